# SPDX-License-Identifier: GPL-3.0-or-later
"""Trying out a daemon: what it is and how quickly it answers. Waits for it, so it is for the background."""

from __future__ import annotations

from dataclasses import dataclass

from .daemon_choice import DaemonChoice
from .vendored import errors, load_client, load_trial


@dataclass(frozen=True)
class Trial:
    """How it went.

    Attributes:
        lines: what is known of the daemon; empty when there was no connection.
        error: why there was none.
    """

    lines: tuple[str, ...] = ()
    error: errors.BridgeError | None = None


def try_out(choice: DaemonChoice, client_name: str) -> Trial:
    """Connect, ask, and close."""
    trial = load_trial()
    try:
        with load_client().connect(**choice.arguments(), client_name=client_name, timeout=trial.PATIENCE) as bridge:
            return Trial(trial.findings(bridge))
    except errors.BridgeError as error:
        return Trial(error=error)
