# SPDX-License-Identifier: GPL-3.0-or-later
"""Trying out a daemon beside the connection that is in use. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .daemon_choice import DaemonChoice
from .vendored import errors, load_client, load_trial


@dataclass(frozen=True)
class Trial:
    """How it went, or goes.

    Attributes:
        choice: which daemon.
        lines: what is known of it; empty until it has answered.
        error: why there is no connection.
    """

    choice: DaemonChoice
    lines: tuple[str, ...] = ()
    error: errors.BridgeError | None = None

    @property
    def runs(self) -> bool:
        """Whether it is still going on."""
        return not self.lines and self.error is None


def try_out(choice: DaemonChoice, client_name: str) -> tuple[str, ...]:
    """Connect, ask, and close: what is known of the daemon. Waits for it.

    Raises:
        BridgeError: there is no connection.
    """
    trial = load_trial()
    with load_client().connect(**choice.arguments(), client_name=client_name, timeout=trial.PATIENCE) as bridge:
        return trial.findings(bridge)
