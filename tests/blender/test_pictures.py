"""The Image Editor's tasks on unsaved images, in real Blenders with a real daemon."""

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
def play(blender: Runner, addon_zip: Path, tiny_daemon: RunningDaemon) -> Play:
    """Play a scene and return its result."""
    return lambda scene, *arguments: (
        blender.run(addon_zip, f"pictures.py::{scene}", *arguments, home=tiny_daemon.home).result
    )


def rows(values: list[int], width: int, height: int) -> np.ndarray:
    """Pixels as height × width × RGBA, from the bottom."""
    return np.array(values, dtype=np.uint8).reshape(height, width, 4)


@pytest.mark.everywhere
def test_pixels_go_to_the_daemon_and_back_without_losing_a_bit(play: Play):
    assert play("nothing_changes_at_strength_0") == {"same": True, "error": "", "size": [128, 96]}


def test_an_edit_keeps_the_version_before(play: Play):
    found = play("edit_and_restore")
    assert found == {"changed": True, "kept": True, "kept_is_saved": True, "restored": True, "again": True}


@pytest.mark.everywhere
def test_undo_and_redo_of_an_edit_bring_the_pixels_too(play: Play):
    assert play("undo_an_edit") == {"undone": True, "redone": True}


def test_painting_on_a_result_is_not_lost_by_an_undo_of_something_else(play: Play):
    assert play("paint_after_an_edit") is True


def test_an_undo_between_two_choices_loses_no_version(play: Play):
    assert play("undo_between_two_choices") == dict.fromkeys(("undone", "kept", "the other", "all undone"), True)


def test_connecting_anew_keeps_what_undo_needs(play: Play):
    assert play("undo_after_connecting_anew") == {"changed": True, "undone": True}


def test_a_mask_is_painted_where_it_is_shown_and_the_picture_repainted(play: Play):
    assert play("mask_in_an_editor") == {
        "painted on": "albedo mask",
        "repainted": "albedo",
        "shown": "albedo",
        "error": "",
    }


def test_a_picture_of_16_bits_stays_as_bright_as_it_was(play: Play, tmp_path: Path):
    found = play("sixteen_bits", str(tmp_path))
    assert (found["floats"], found["error"]) == (True, "")
    assert max(found["edited"], found["restored"]) <= 1


def test_what_was_made_of_a_picture_is_not_made_again_from_words_alone(play: Play):
    assert play("generate_again") == [["CANCELLED"], 0, "something else"]


@pytest.mark.parametrize("scene", ["inpaint_box", "inpaint_mask"])
def test_inpainting_changes_what_is_masked_and_nothing_far_from_it(play: Play, scene: str):
    found = play(scene)
    assert found["error"] == ""
    before, after = rows(found["before"], 256, 192), rows(found["after"], 256, 192)
    changed = (before != after).any(axis=2)
    assert changed[64:96, 112:144].mean() > 0.95
    ys, xs = np.nonzero(changed)
    reach = 4 + 16 + 25  # how far the denoise mask grows for the least feather, and the widest blend
    assert 112 - reach <= xs.min() < xs.max() < 144 + reach
    assert 64 - reach <= ys.min() < ys.max() < 96 + reach
    assert found.get("mask_stays", True)


def test_an_empty_mask_is_told_with_what_to_do(play: Play):
    found = play("empty_mask")
    assert found["phase"] == "failed"
    assert found["error"] == "The mask is empty."
    assert "Drag a box" in found["hint"]


def test_outpainting_and_upscaling_make_the_image_larger(play: Play):
    found = play("outpaint_and_upscale")
    assert found["error"] == ""
    assert found["grown"] == [128 + 48, 96 + 8]
    inner = rows(found["after"], 176, 104)[8 + 16 : 8 + 96, 32 + 16 : 32 + 112]
    assert (inner == rows(found["before"], 128, 96)[16:, 16:112]).all()
    assert found["upscaled"] == [128, 128]


@pytest.mark.everywhere
def test_an_image_of_floats_keeps_its_range(play: Play):
    found = play("floats")
    assert found["said"] == ""
    assert found["error"] < 1e-5


def test_what_an_image_of_floats_was_is_kept_to_the_bit(play: Play):
    assert play("floats_before") == dict.fromkeys(("changed", "kept", "restored", "again", "undone"), True)


def test_when_the_image_is_gone_the_result_is_offered_as_one_of_its_own(play: Play):
    assert play("target_gone") == {"offered": "choosing", "image": [128, 96]}
