"""A real Blender and another program on one canvas while the daemon and its engine die and come back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from bridge.client import LinkSettings, connect
from bridge.protocol.pixels import Picture, PixelFormat
from tests.conftest import RunningDaemon

from .conftest import WAIT, SharingBlender

pytestmark = pytest.mark.blender

NAME, SIDE = "blender: worn", 256
QUICK = LinkSettings(first_retry=0.05, last_retry=0.2)


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for something."""
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def flat(value: int, width: int, height: int) -> Picture:
    """One colour."""
    return Picture(width, height, PixelFormat.RGBA8, bytes((value, value, value, 255)) * width * height)


def test_an_engine_and_a_daemon_that_die_leave_the_image_and_the_canvas_the_same(
    blender: SharingBlender, restartable_daemon: RunningDaemon
):
    daemon = restartable_daemon
    with connect(daemon.url, token=daemon.token, client_name="Other", settings=QUICK) as bridge:
        until(lambda: any(info.name == NAME and info.members for info in bridge.list_canvases()), "the canvas")
        canvas = bridge.open_canvas(NAME)

        def agree() -> bool:
            return canvas.settle(1) and blender.pixels() == bytes(canvas.read().pixels)

        until(agree, "the same at first")
        canvas.live.watch()
        canvas.live.start(prompt="moss", steps=2)
        until(lambda: blender.ask("live") in {"running", "waiting"}, "live generation that both know of")

        for child in psutil.Process(daemon.process.pid).children():
            os.kill(child.pid, signal.SIGKILL)
        canvas.patch(10, 10, flat(7, 100, 50))
        blender.ask("paint", 60, 40, 90, 60, [1, 200, 3, 255])
        until(lambda: bytes((1, 200, 3, 255)) in bytes(canvas.read().pixels) and agree(), "the same without an engine")

        daemon.kill()
        canvas.patch(0, 200, flat(90, 256, 20))
        blender.ask("paint", 0, 0, 30, 30, [250, 0, 9, 255])
        daemon.start()
        until(agree, "the same after a restart")
        seen = bytes(canvas.read().pixels)
        assert seen[:4] == bytes((250, 0, 9, 255))
        assert seen[(210 * SIDE + 5) * 4 :][:4] == bytes((90, 90, 90, 255))
        assert blender.ask("worn")
