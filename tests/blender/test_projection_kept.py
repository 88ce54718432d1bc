"""Projections that outlive restarts, files and meshes, and that are stopped at any moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunningDaemon

from .harness.runners import Runner

Play = Callable[..., Any]

pytestmark = pytest.mark.blender
GONE = "Its place is gone: use it as an image of its own"


@pytest.fixture
def play(blender: Runner, addon_zip: Path, tiny_daemon: RunningDaemon) -> Play:
    """Play a scene and return its result."""
    if blender.name == "blender -b":
        pytest.skip("Debian's Blender comes without numpy, which projection needs")
    return lambda scene, *words, **options: (
        blender.run(addon_zip, f"projection_kept.py::{scene}", *words, home=tiny_daemon.home, **options).result
    )


def test_the_next_blender_paints_the_view_that_was_under_way_and_goes_on_with_the_rest(play: Play, tmp_path: Path):
    blend = str(tmp_path / "scene.blend")
    assert play("begin_and_die", blend) == 1
    assert play("take_up_again", blend, former_jobs=True) == {
        "known": 1,
        "parts": [["View 3 of 3", "On “mossy stones”"]],
        "phase": "finished",
        "size": [256, 256],
        "opaque": True,
        "shelved": 0,
    }


def test_a_view_that_was_never_sent_is_asked_for_anew(play: Play, tmp_path: Path):
    blend = str(tmp_path / "scene.blend")
    play("begin_and_die", blend, "unsent")
    found = play("take_up_again", blend, former_jobs=True)
    assert found["parts"] == [["View 3 of 3", "On “mossy stones”"]]
    assert (found["phase"], found["shelved"]) == ("finished", 0)


@pytest.mark.parametrize(
    "change",
    [
        "bpy.data.objects['Cube'].data.uv_layers.active.data[3].uv.x += 0.1",
        "bpy.data.objects.remove(bpy.data.objects['Cube'])",
    ],
    ids=["other UVs", "no object"],
)
def test_what_no_longer_fits_is_offered_as_a_plain_image(play: Play, tmp_path: Path, change: str):
    blend = str(tmp_path / "scene.blend")
    play("begin_and_die", blend)
    found = play("take_up_again", blend, change, former_jobs=True)
    assert (found["phase"], found["parts"][0][1]) == ("choosing", GONE)
    assert (found["plain"], found["left"]) == ([True], 0)


def test_a_result_waits_until_its_file_is_open_again(play: Play, tmp_path: Path):
    assert play("another_file", str(tmp_path / "scene.blend")) == {
        "offered": "choosing",
        "images": [],
        "wired": "mossy stones",
        "text": "On “mossy stones”",
    }


def test_cancel_keeps_the_views_that_were_painted_and_the_others_can_follow(play: Play):
    assert play("stopped_and_gone_on_with") == {
        "text": "Stopped after view 1 of 3: on “mossy stones”",
        "phase": "cancelled",
        "resumable": True,
        "shelved": 1,
        "then": "On “mossy stones”",
        "changed": True,
        "images": ["mossy stones"],
        "left": 0,
    }


def test_cancel_stops_the_calculation_and_leaves_the_image_as_it_was(play: Play):
    found = play("stopped_while_it_calculates", "2048", "0.02")
    assert (found["phase"], found["same"], found["resumable"]) == ("cancelled", True, True)
    assert found["text"] == "Stopped before the first view"
