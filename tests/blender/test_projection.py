"""Pictures projected onto meshes, in real Blenders with a real daemon and the built-in model."""

from __future__ import annotations

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
def play(blender: Runner, addon_zip: Path, daemon: RunningDaemon) -> Play:
    """Play a scene and return its result."""
    if blender.name == "blender -b":
        pytest.skip("Debian's Blender comes without numpy, which projection needs")
    return lambda scene, *arguments: (
        blender.run(addon_zip, f"projection.py::{scene}", *arguments, home=daemon.home).result
    )


def test_a_view_from_the_camera_becomes_a_texture_in_the_material_that_is_there(play: Play):
    assert play("from_the_camera") == {
        "jobs": 1,
        "text": "On “mossy stones”",
        "same_material": True,
        "layers": ["UVMap"],
        "size": [256, 256],
        "colours": True,
        "prompt": "mossy stones",
    }


def test_rays_of_blender_find_the_pixel_that_they_began_in(play: Play):
    found = play("projection_error")
    assert found["rays"] > 300
    assert found["worst"] <= 0.5
    assert found["median"] <= 0.05


def test_normals_that_guide_are_those_of_the_shading(play: Play):
    found = play("shading")
    assert found["smooth"]["pixels"] > 5000
    assert found["smooth"]["median"] < 1
    assert found["smooth"]["worst"] < 10
    assert found["flat"]["median"] > 3


@pytest.mark.parametrize(("arrangement", "count", "covered"), [("ring", 6, 0.85), ("sphere", 8, 0.85)])
def test_views_around_a_mesh_cover_it_and_overlap(play: Play, arrangement: str, count: int, covered: float):
    found = play("coverage", arrangement, str(count))
    assert found["views"] == count
    assert found["covered"] > covered
    assert found["overlap"] > 0.5
    assert found["agrees"]
    assert found["nothing_left"]


def test_islands_fit_where_they_were_cut_apart(play: Play):
    found = play("seams")
    assert found["edges"] > 100
    assert found["median"] < 2
    assert found["p99"] < 16


def test_texels_that_the_camera_does_not_see_keep_their_bits_and_undo_brings_back_the_others(play: Play):
    assert play("what_is_not_seen_stays") == {
        "images": ["painted", "painted.001"],
        "Cube": [True, True, True],
        "Plane": [True, True, True],
        "undone": True,
    }


def test_several_views_continue_each_other_as_one_undo_step(play: Play):
    assert play("several_views") == {
        "entries": [["View 3 of 3", "On “mossy stones”", "finished"]],
        "layers": ["Bridge UV"],
        "opaque": True,
        "undone": True,
    }


def test_objects_that_share_a_texture_by_overlapping_uvs_show_the_same_and_it_is_said(play: Play):
    found = play("overlapping")
    assert (found["text"], found["same"]) == ("On “mossy stones”", True)
    assert found["hint"].startswith("UVs of “Cube”, “Cube.001” overlap on 100% of the texture")


def test_cancel_leaves_everything_as_it_was(play: Play):
    assert play("cancelled") == {"phase": "cancelled", "same": True}


def test_a_projection_that_was_cancelled_leaves_no_uvs_behind(play: Play):
    assert play("cancelled_without_uvs") == [1, 0]


def test_instances_hide_and_what_local_view_leaves_out_does_not(play: Play):
    assert play("who_hides") == {"triangles": 12 + 2 * 2, "places": [3, 5], "local": 12}


def test_nothing_to_project_onto_or_from_is_said(play: Play):
    assert play("nothing_to_do") == [["CANCELLED"], ["CANCELLED"]]


def test_a_rendered_mesh_shows_what_was_projected(play: Play):
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    found = play("rendered", str(ARTEFACTS))
    assert found["part"] == "View 4 of 4"
    assert found["changed"] > 4


@pytest.mark.everywhere
def test_a_blender_without_numpy_says_so_and_one_with_it_projects(
    blender: Runner, addon_zip: Path, daemon: RunningDaemon
):
    without, outcome = blender.run(addon_zip, "projection_refused.py::without_numpy", home=daemon.home).result
    assert outcome == (["CANCELLED"] if without else ["FINISHED"])
