"""Textures from a prompt, in real Blenders with a real daemon and the built-in model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import RunningDaemon

from .harness.runners import Runner

Play = Callable[..., Any]

pytestmark = pytest.mark.blender


@pytest.fixture
def play(blender: Runner, addon_zip: Path, daemon: RunningDaemon) -> Play:
    """Play a scene and return its result."""
    return lambda scene, *arguments: (
        blender.run(addon_zip, f"textures.py::{scene}", *arguments, home=daemon.home).result
    )


@pytest.mark.everywhere
def test_a_prompt_becomes_an_image_in_the_active_material(play: Play):
    assert play("end_to_end") | {"colours": 0} == {
        "phase": "finished",
        "same_material": True,
        "size": [128, 128],
        "colours": 0,
        "seed": "7",
        "prompt": "mossy stones",
        "packed": True,
        "colour_space": "sRGB",
        "images": ["mossy stones"],
    }


def test_a_picture_of_ones_own_outlives_an_edit_and_textures_after_it(play: Play, tmp_path: Path):
    assert play("own_picture_stays", str(tmp_path)) == {"node": "hand painted", "lost": []}


def test_a_texture_for_no_object_is_not_put_into_another_file(play: Play):
    assert play("another_file") == ["choosing", False]


def test_what_is_wired_to_the_base_colour_stays_below_the_texture(play: Play):
    assert play("what_is_wired_stays") == {
        "mix": "MIX",
        "below": True,
        "above": "mossy stones.001",
        "textures": 1,
        "images": ["mossy stones", "mossy stones.001"],
    }


def test_only_an_object_without_a_material_gets_a_new_one(play: Play):
    assert play("without_a_material") == {"wired": "mossy stones", "plain": True}


@pytest.mark.everywhere
def test_undo_takes_the_texture_back_in_one_step_and_redo_restores_its_pixels(play: Play):
    assert play("one_undo_step") == {"gone": True, "same": True}


def test_variants_are_offered_and_the_choice_can_be_changed(play: Play):
    assert play("variants") == {
        "phase": "choosing",
        "untouched": True,
        "seeds": [7, 8, 9],
        "chosen": ["9", "7"],
        "exchanged": True,
        "images": 1,
        "thumbnail": 128,
    }


def test_an_image_knows_how_to_be_made_again(play: Play):
    found = play("again")
    assert found == {"same": True, "other_image": True, "fields": ["mossy stones", "x", 128, 7]}


def test_several_jobs_run_and_one_is_cancelled(play: Play):
    assert play("several_and_cancel") == ["finished", "cancelled", "finished"]


def test_every_size_comes_as_it_was_asked_for(play: Play):
    assert play("sizes") == [[100, 72], [16, 640]]


def test_progress_and_previews_are_shown_while_it_runs(play: Play):
    found = play("progress_and_previews")
    assert found["preview"]
    assert any(text.startswith("Denoising, step ") for text in found["texts"])
    assert found["fractions"] == sorted(found["fractions"])
    assert len(found["fractions"]) > 3


@pytest.mark.parametrize(("axes", "fits"), [("xy", (True, True)), ("none", (False, False))])
def test_a_seamless_texture_goes_on_across_its_sides(play: Play, axes: str, fits: tuple[bool, bool]):
    found = play("seamless", axes)
    width, height = found["size"]
    picture = np.array(found["values"], dtype=float).reshape(height, width, 4)[..., :3]
    ratios = [
        np.abs(picture[:, -1] - picture[:, 0]).mean() / np.abs(np.diff(picture, axis=1)).mean(),
        np.abs(picture[-1] - picture[0]).mean() / np.abs(np.diff(picture, axis=0)).mean(),
    ]
    print("joints over neighbours", ratios)
    for ratio, fit in zip(ratios, fits, strict=True):
        assert not fit or ratio < 2


def test_presets_are_kept_where_blender_keeps_them(play: Play):
    assert play("presets") == {"files": ["mossy.py"], "chosen": ["moss", 9, "x", 128], "left": []}
