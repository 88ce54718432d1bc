# SPDX-License-Identifier: GPL-3.0-or-later
"""Trying out a daemon: what it is and how quickly it answers. Waits for it, so it is for the background."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .daemon_choice import DaemonChoice
from .vendored import errors, load_client

PATIENCE = 8.0
"""Seconds for the connection, and for every answer."""
QUESTIONS = 5


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
    try:
        with load_client().connect(**choice.arguments(), client_name=client_name, timeout=PATIENCE) as bridge:
            times = []
            for _ in range(QUESTIONS):
                began = time.perf_counter()
                pong = bridge.ping()
                times.append(time.perf_counter() - began)
            return Trial(described(bridge.welcome, pong, min(times)))
    except errors.BridgeError as error:
        return Trial(error=error)


def described(welcome, pong, seconds: float) -> tuple[str, ...]:
    """A daemon in a few lines.

    Args:
        welcome: the daemon's `Welcome`.
        pong: its `Pong`.
        seconds: that a question takes there and back.
    """
    device = pong.device or "not known yet: no model has been loaded"
    if pong.memory_total:
        device += f", {pong.memory_free / 2**30:.1f} of {pong.memory_total / 2**30:.1f} GiB free"
    usable = sum(not model.unusable for model in welcome.models)
    return (
        f"Connected to {welcome.daemon}",
        f"Device: {device}",
        f"Engine: {pong.engine}; {usable} model{'' if usable == 1 else 's'}",
        f"Round trip: {seconds * 1000:.1f} ms",
    )
