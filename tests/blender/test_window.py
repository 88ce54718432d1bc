"""A real window of Debian's Blender: the timer delivers results, and every panel is drawn."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import RunningDaemon

from .conftest import ARTEFACTS
from .harness.runners import Runner

pytestmark = pytest.mark.blender


@pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed (Debian: apt install xdotool)")
def test_every_panel_is_drawn_while_a_job_runs_and_after(
    blender_window: Runner, addon_zip: Path, daemon: RunningDaemon
):
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    outcome = blender_window.run(addon_zip, "window.py::panels", str(ARTEFACTS), home=daemon.home)
    assert outcome.result == ["choosing", "finished"]
    assert outcome.status == 0
    assert "Traceback" not in outcome.output
    assert "Error" not in outcome.output
    assert len(list(ARTEFACTS.glob("*.png"))) >= 6


def test_the_timer_alone_delivers(blender_window: Runner, addon_zip: Path, daemon: RunningDaemon):
    outcome = blender_window.run(addon_zip, "window.py::delivery", home=daemon.home)
    assert outcome.result == "finished"
    assert outcome.status == 0


@pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed (Debian: apt install xdotool)")
def test_the_status_bar_follows_a_job_and_escape_ends_it_but_nothing_else_first(
    blender_window: Runner, addon_zip: Path, daemon: RunningDaemon
):
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    found = blender_window.run(addon_zip, "window.py::status_and_escape", str(ARTEFACTS), home=daemon.home).result
    assert (found["playing"], found["moving"], found["escaped"]) == ("running", "running", "cancelled")
    assert found["shares"] > 1  # it was drawn anew while the job ran
    assert found["last"] == ""
    assert not found["polled"]  # then Esc is anybody's


@pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed (Debian: apt install xdotool)")
def test_boxes_are_dragged_over_an_image(blender_window: Runner, addon_zip: Path, daemon: RunningDaemon):
    found = blender_window.run(addon_zip, "window.py::dragging", home=daemon.home).result
    kind, *box = found["mask"]
    assert kind == "box"
    assert box == pytest.approx([50, 20, 150, 90], abs=2)  # the mouse moves by whole pixels of the screen
    assert found["grown"] == pytest.approx([0, 0, 50, 0], abs=2)
    assert found["after_escape"]
