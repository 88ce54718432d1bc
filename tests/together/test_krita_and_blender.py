"""A real Krita, a real Blender and a real daemon: what is painted in the one, the model in the other wears."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.conftest import ARTEFACTS, RunningDaemon
from tests.krita.conftest import KritaFactory
from tests.krita.harness.running import RunningKrita
from tests.krita.scenes import exported

from .conftest import WAIT, SharingBlender

pytestmark = [pytest.mark.krita, pytest.mark.blender, pytest.mark.slow]

NAME, SIDE = "blender: worn", 256


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for something."""
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def worn(blender: SharingBlender) -> np.ndarray:
    """The image in Blender, RGBA, rows from the top."""
    return np.frombuffer(blender.pixels(), np.uint8).reshape(SIDE, SIDE, 4).astype(int)


def opened(krita_factory: KritaFactory, home: Path) -> RunningKrita:
    """A Krita that was started for Blender's canvas, as Blender's own button does it."""
    krita = krita_factory(home, LATENT_BRIDGE_CANVAS=NAME)
    krita.until(lambda: krita.call("active") == NAME, "the document")
    return krita


def stroke(krita: RunningKrita, dy: int) -> None:
    """Draw across the picture with the mouse, `dy` pixels below its middle."""
    krita.call("use_tool", name="KritaShape/KisToolBrush")
    x, y, width, height = krita.call("canvas")
    middle, row = x + width // 2, y + height // 2 + dy
    krita.drag((middle - 60, row), (middle + 60, row + 10), steps=16)


def test_krita_and_blender_paint_on_one_canvas_through_every_crash(
    blender: SharingBlender, krita_factory: KritaFactory, restartable_daemon: RunningDaemon, tmp_path: Path
):
    until(lambda: blender.ask("members"), "Blender's canvas")
    krita = opened(krita_factory, restartable_daemon.home)

    def agree() -> bool:
        seen = worn(blender)
        return np.array_equal(seen, exported(krita, tmp_path / "krita.png")) and np.array_equal(seen, worn(blender))

    until(agree, "the same at first")

    before = worn(blender)
    stroke(krita, 0)
    until(lambda: not np.array_equal(worn(blender), before), "the stroke in Blender")
    until(agree, "the same after a stroke in Krita")
    assert blender.ask("worn")
    krita.screenshot(ARTEFACTS / "together-krita.png")
    blender.ask("shot", str(ARTEFACTS / "together-blender.png"))

    # Both at once, on the same pixels.
    blender.ask("paint", 40, 110, 176, 40, [20, 200, 40, 255])
    stroke(krita, 10)
    until(agree, "the same after both painted in one place")
    assert (worn(blender) == (20, 200, 40, 255)).all(axis=2).any()

    for child in psutil.Process(restartable_daemon.process.pid).children():
        os.kill(child.pid, signal.SIGKILL)
    before = worn(blender)
    stroke(krita, 50)
    until(lambda: not np.array_equal(worn(blender), before), "the stroke in Blender without an engine")
    until(agree, "the same without an engine")

    krita.kill()
    blender.ask("paint", 0, 0, 100, 30, [250, 10, 9, 255])
    krita = opened(krita_factory, restartable_daemon.home)
    until(agree, "the same after Krita was killed")

    blender.kill()
    stroke(krita, -80)
    blender.begin("resume")
    until(agree, "the same after Blender was killed")

    restartable_daemon.kill()
    stroke(krita, -40)
    blender.ask("paint", 0, 220, 256, 20, [9, 10, 250, 255])
    restartable_daemon.start()
    until(agree, "the same after the daemon was killed")
    assert tuple(worn(blender)[230, 128]) == (9, 10, 250, 255)
    krita.quit()
