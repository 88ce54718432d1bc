# SPDX-License-Identifier: GPL-3.0-or-later
"""Trying out a daemon: what it is and how quickly it answers. Waits for it, so it is for the background."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass

from .daemon_choice import DaemonChoice
from .vendored import errors, load_client, pixels

PATIENCE = 8.0
"""Seconds for the connection, and for every answer."""
QUESTIONS = 5
SIDES = (128, 512)
"""Of canvases that are sent to measure the link, pixels; the larger one only where the smaller one goes quickly."""
QUICK = 0.25
"""Seconds."""


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
            return Trial(described(bridge.welcome, pong, min(times), _speed(bridge, min(times))))
    except errors.BridgeError as error:
        return Trial(error=error)


def _speed(bridge, latency: float) -> float:
    """Bytes that reach the daemon in a second: noise on a canvas that nobody else knows, and that goes at once."""
    seconds = 0.0
    for side in SIDES:
        if seconds > QUICK:
            break
        canvas = bridge.open_canvas(f"connection test {uuid.uuid4().hex}", side, side)
        nbytes = 4 * side * side
        noise = pixels.Picture(side, side, pixels.PixelFormat.RGBA8, os.urandom(nbytes))
        began = time.perf_counter()
        canvas.patch(0, 0, noise)
        arrived = canvas.settle(PATIENCE)
        seconds = max(time.perf_counter() - began - latency, 1e-4)
        canvas.close()
        if not arrived:
            break
    return nbytes / seconds


def described(welcome, pong, seconds: float, speed: float) -> tuple[str, ...]:
    """A daemon in a few lines.

    Args:
        welcome: the daemon's `Welcome`.
        pong: its `Pong`.
        seconds: that a question takes there and back.
        speed: bytes that reach it in a second.
    """
    device = pong.device or "not known yet: no model has been loaded"
    if pong.memory_total:
        device += f", {pong.memory_free / 2**30:.1f} of {pong.memory_total / 2**30:.1f} GiB free"
    usable = sum(not model.unusable for model in welcome.models)
    return (
        f"Connected to {welcome.daemon}",
        f"Device: {device}",
        f"Engine: {pong.engine}; {usable} model{'' if usable == 1 else 's'}",
        f"Round trip: {seconds * 1000:.1f} ms; {_per_second(8 * speed)} to it",
    )


def _per_second(bits: float) -> str:
    return f"{bits / 1e9:.1f} Gbit/s" if bits >= 1e9 else f"{bits / 1e6:.0f} Mbit/s"
