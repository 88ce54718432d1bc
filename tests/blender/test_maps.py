"""The maps of a material, in real Blenders with a real daemon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.client import connect, picture_to_numpy
from tests.conftest import RunningDaemon

from .harness.runners import Runner

pytestmark = pytest.mark.blender

Play = Callable[..., Any]
ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts" / "blender"


@pytest.fixture
def play(blender: Runner, addon_zip: Path, daemon: RunningDaemon) -> Play:
    """Play a scene and return its result."""
    return lambda scene, *arguments: blender.run(addon_zip, f"maps.py::{scene}", *arguments, home=daemon.home).result


@pytest.mark.everywhere
def test_every_map_is_wired_with_its_colour_space_and_made_anew_in_its_place(play: Play):
    assert play("the_whole_set") == {
        "error": "",
        "colour_spaces": ["Non-Color"],
        "sizes": [[128, 128]],
        "packed": True,
        "wired": {
            "Base Color": "Bridge occlusion mix",
            "Roughness": "Bridge roughness",
            "Metallic": "Bridge metallic",
            "Normal": "Bridge normal map",
            "Displacement": "Bridge displacement",
        },
        "same_nodes": True,
        "same_images": True,
        "base_is_active": True,
        "names": [f"mossy stones {kind}" for kind in ("height", "metallic", "normal", "occlusion", "roughness")],
    }


@pytest.mark.everywhere
def test_blender_shows_the_values_that_the_daemon_computed(play: Play, daemon: RunningDaemon, tmp_path: Path):
    assert play("values_arrive_as_they_are", str(tmp_path)) == {"untouched": True, "kept": True}
    y, x = np.mgrid[0:64, 0:64]
    shown = np.stack([x * 3 % 256, (x + y) * 2 % 256, y * 4 % 256], axis=-1).astype(np.uint8)
    with connect(daemon.url, token=daemon.token) as bridge:
        expected = bridge.surface_maps(np.ascontiguousarray(shown[::-1]))
    for kind in ("normal", "height", "roughness", "occlusion"):
        values = np.fromfile(tmp_path / kind, np.float32).reshape(64, 64, 4)[::-1]
        layer = picture_to_numpy(expected[kind].picture).astype(float)
        wanted = layer / (65535 if layer.max() > 255 else 255)
        wanted = wanted.reshape(64, 64, -1)
        assert np.abs(values[..., : wanted.shape[-1]] - wanted).max() < 1e-4, kind


def test_what_others_have_wired_stays_and_is_told(play: Play):
    found = play("what_others_wired_stays")
    assert found["kept"] == ["Value", "Bump"]
    assert "wired by hand and left so: normal, roughness" in found["told"]
    assert found["there"] == ["height", "normal", "occlusion", "roughness"]


def test_without_normals_the_height_bumps(play: Play):
    assert play("without_normals_the_height_bumps") == ["Bridge bump", False]


def test_a_darkened_base_colour_takes_the_next_texture_below_the_occlusion(play: Play):
    assert play("a_darkened_base_colour_takes_another_texture") == ["Bridge occlusion mix", "grey stone", 0.0, True]


def test_maps_can_be_made_with_every_texture(play: Play):
    assert play("with_every_texture") == ["height", "normal", "occlusion", "roughness"]


def test_one_step_of_undo_takes_all_maps_back(play: Play):
    assert play("one_undo_step") == [[], ""]


def test_what_cannot_be_made_is_refused(play: Play):
    assert play("refused") == [["CANCELLED"], ["CANCELLED"]]


def test_a_rendered_surface_has_relief_and_displacement(play: Play):
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    relief, displacement = play("rendered", str(ARTEFACTS))
    assert relief > 0.01
    assert displacement > 0.003


def test_maps_outlive_blender_itself(blender: Runner, addon_zip: Path, daemon: RunningDaemon, tmp_path: Path):
    blend = str(tmp_path / "bricks.blend")
    begun = blender.run(addon_zip, "maps.py::begin_and_die", blend, home=daemon.home)
    assert begun.result == ["maps"]
    found = blender.run(addon_zip, "maps.py::take_up_again", blend, home=daemon.home, former_jobs=True).result
    assert found == {
        "known": 1,
        "maps": ["height", "normal", "occlusion", "roughness"],
        "normal": "Bridge normal map",
        "left": 0,
    }
