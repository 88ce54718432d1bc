"""Images as canvases, in real Blenders with a real daemon and another client of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunningDaemon

from .conftest import ARTEFACTS
from .harness.runners import Runner

Play = Callable[..., Any]

pytestmark = pytest.mark.blender


@pytest.fixture
def play(blender: Runner, addon_zip: Path, fresh_daemon: RunningDaemon) -> Play:
    """Play a scene and return its result."""
    return lambda scene, *words: blender.run(addon_zip, f"live.py::{scene}", *words, home=fresh_daemon.home).result


@pytest.mark.everywhere
def test_what_is_painted_in_blender_reaches_other_programs(play: Play):
    assert play("painting_here_reaches_others") == {"same": True, "pixel": [1, 2, 3, 4]}


@pytest.mark.everywhere
def test_what_others_paint_reaches_the_image_bit_by_bit(play: Play):
    assert play("painting_elsewhere_reaches_the_image") == {
        "all": True,
        "sent back": 0,
        "after both painted": True,
    }


def test_images_have_canvases_of_their_own_and_unsharing_ends_it(play: Play):
    assert play("several_images_and_unsharing") == {
        "other image": True,
        "unshared": True,
        "members": 1,
        "name is taken": "blender: three 2",
        "canvases": ["blender: one"],
    }


def test_a_loaded_file_goes_on_sharing(play: Play, tmp_path: Path):
    assert play("loading_goes_on", str(tmp_path)) == {"painting was saved": True, "caught up": True, "kept": True}


def test_a_canvas_of_another_program_is_opened_as_an_image_that_the_object_wears(play: Play):
    assert play("opening") == {
        "same": True,
        "name": "krita: wood",
        "kept": False,
        "worn": True,
        "again": ["CANCELLED"],
    }


def test_an_image_of_floats_is_refused_with_what_to_do(play: Play):
    assert play("refusals") == ["“floats” has floats in linear light.", True]


def test_live_frames_follow_the_fields_and_can_be_applied(play: Play):
    assert play("live_frames") == {
        "size": [64, 64],
        "strength": 0.9,
        "applied": True,
        "kept": True,
        "problem": True,
        "on": False,
    }


def test_in_texture_paint_mode_the_image_under_the_brush_is_shared(play: Play):
    assert play("texture_paint") == ["single", "slot"]


def test_the_add_on_is_switched_off_and_on_with_a_canvas_and_live_generation(play: Play):
    assert play("switching_off") == "taken up again"


@pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed (Debian: apt install xdotool)")
def test_in_a_window_strokes_of_the_mouse_go_out_and_those_of_others_come_in(
    blender_window: Runner, addon_zip: Path, fresh_daemon: RunningDaemon
):
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    outcome = blender_window.run(addon_zip, "live_window.py::painting", str(ARTEFACTS), home=fresh_daemon.home)
    assert outcome.result == {"same at first": True, "frame": [256, 256]}
    assert outcome.status == 0
    assert "Traceback" not in outcome.output
