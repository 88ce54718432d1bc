"""Trying out a daemon: what it is, and how quickly it answers. Waits for it, so it is for the background."""

from __future__ import annotations

import os
import time
import uuid

from bridge.protocol.messages import Pong, Welcome
from bridge.protocol.pixels import Picture, PixelFormat

from .bridge import Bridge

PATIENCE = 20.0
"""Seconds for the connection, and for every answer."""
QUESTIONS = 5
SIDES = (128, 512)
"""Of canvases that are sent to measure the link, pixels; the larger one only where the smaller one goes quickly."""
QUICK = 0.25
"""Seconds."""


def findings(bridge: Bridge) -> tuple[str, ...]:
    """What an illustrator asks of a daemon that is connected, in a few lines.

    Raises:
        BridgeError: the daemon does not answer.
    """
    times = []
    for _ in range(QUESTIONS):
        began = time.perf_counter()
        pong = bridge.ping()
        times.append(time.perf_counter() - began)
    return described(bridge.welcome, pong, min(times), _speed(bridge, min(times)))


def _speed(bridge: Bridge, latency: float) -> float:
    """Bytes that reach the daemon in a second: noise on a canvas that nobody else opens, and that is left at once."""
    seconds, nbytes = 0.0, 0
    for side in SIDES:
        if seconds > QUICK:
            break
        canvas = bridge.open_canvas(f"connection test {uuid.uuid4().hex}", side, side)
        nbytes = 4 * side * side
        noise = Picture(side, side, PixelFormat.RGBA8, os.urandom(nbytes))
        began = time.perf_counter()
        canvas.patch(0, 0, noise)
        arrived = canvas.settle(PATIENCE)
        seconds = max(time.perf_counter() - began - latency, 1e-4)
        canvas.close()
        if not arrived:
            break
    return nbytes / seconds


def described(welcome: Welcome, pong: Pong, seconds: float, speed: float) -> tuple[str, ...]:
    """A daemon in a few lines.

    Args:
        welcome: what it said when it was greeted.
        pong: its last answer.
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
