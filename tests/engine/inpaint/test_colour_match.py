"""Bringing the colours of a result in line with the picture around it."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.engine.inpaint.colour_match import MAX_SHIFT, match_seam, take_out_drift
from bridge.engine.inpaint.masks import build_masks, inpaint_ramps

SIZE = 160


@pytest.fixture
def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture with texture, a change map, and the selection it belongs to."""
    rng = np.random.default_rng(5)
    original = np.clip(0.5 + rng.normal(0, 0.08, (SIZE, SIZE, 3)), 0, 1).astype(np.float32)
    selection = np.zeros((SIZE, SIZE), np.float32)
    selection[60:100, 60:100] = 1
    change, _ = build_masks(selection, inpaint_ramps(20, 24, 20))
    return original, change, selection > 0


EVERYWHERE = np.ones((SIZE, SIZE), bool)


def test_a_tint_of_the_autoencoder_is_taken_out_everywhere(scene: tuple[np.ndarray, ...]) -> None:
    original, change, selection = scene
    tinted = (original + np.array([0.05, -0.03, 0.02])).astype(np.float32)
    matched = match_seam(tinted, original, change, selection, EVERYWHERE)
    assert np.abs(matched - original)[selection].mean() < 0.003


def test_the_seam_is_matched_where_the_result_alone_is_off(scene: tuple[np.ndarray, ...]) -> None:
    original, change, selection = scene
    off = original + np.float32(0.08) * (change > 0)[..., None]
    matched = match_seam(off.astype(np.float32), original, change, selection, EVERYWHERE)
    ring = (change > 0) & ~selection
    assert abs((matched - original)[ring].mean()) < 0.01


def test_the_correction_fades_towards_the_middle_of_the_selection() -> None:
    original = np.full((300, 300, 3), 0.4, np.float32)
    selection = np.zeros((300, 300), np.float32)
    selection[50:250, 50:250] = 1
    change, _ = build_masks(selection, inpaint_ramps(8, 8, 8))
    painted = original + np.float32(0.08) * (change > 0)[..., None]
    matched = match_seam(painted.astype(np.float32), original, change, selection > 0, np.ones((300, 300), bool))
    assert matched[150, 150, 0] == pytest.approx(0.48, abs=0.002)
    assert matched[150, 49, 0] == pytest.approx(0.4, abs=0.01)


def test_colours_under_the_selection_play_no_part(scene: tuple[np.ndarray, ...]) -> None:
    original, change, selection = scene
    painted = np.clip(original * 0.9, 0, 1)
    other = original.copy()
    other[selection] = [1, 0, 1]
    assert (
        match_seam(painted, original, change, selection, EVERYWHERE)
        == match_seam(painted, other, change, selection, EVERYWHERE)
    ).all()


def test_colours_of_transparent_pixels_play_no_part(scene: tuple[np.ndarray, ...]) -> None:
    original, change, selection = scene
    opaque = EVERYWHERE.copy()
    opaque[:, :70] = False
    other = original.copy()
    other[:, :70] = 0
    painted = np.clip(original * 0.9, 0, 1)
    first = match_seam(painted, original, change, selection, opaque)
    assert (first == match_seam(painted, other, change, selection, opaque)).all()


def test_a_ring_of_a_few_pixels_is_left_alone() -> None:
    selection = np.ones((20, 20), bool)
    selection[0, 0] = False
    painted = np.full((20, 20, 3), 0.7, np.float32)
    matched = match_seam(
        painted, np.zeros_like(painted), np.ones((20, 20), np.float32), selection, np.ones_like(selection)
    )
    assert (matched == painted).all()


def test_a_difference_that_is_meant_is_not_taken_out(scene: tuple[np.ndarray, ...]) -> None:
    original, change, selection = scene
    painted = original.copy()
    painted[change > 0] = 0.0
    matched = match_seam(painted, original, change, selection, EVERYWHERE)
    assert matched[selection].max() <= MAX_SHIFT + 1e-6


@pytest.mark.parametrize("shift", [[0.08, 0.08, 0.08], [0.1, -0.05, 0.0]])
def test_content_that_nearly_has_the_colour_around_it_gets_that_colour(scene: tuple[np.ndarray, ...], shift) -> None:
    original, change, selection = scene
    painted = (original + np.array(shift) * selection[..., None]).astype(np.float32)
    settled = take_out_drift(painted, original, change, selection, EVERYWHERE)
    assert np.median(settled[selection], axis=0) == pytest.approx(np.median(original[~selection], axis=0), abs=0.01)


def test_content_of_another_colour_is_left_as_the_prompt_made_it(scene: tuple[np.ndarray, ...]) -> None:
    original, change, selection = scene
    painted = np.where(selection[..., None], np.float32([0.2, 0.3, 0.8]), original).astype(np.float32)
    assert (take_out_drift(painted, original, change, selection, EVERYWHERE) == painted).all()


def test_between_the_two_the_correction_grows_less_and_never_jumps(scene: tuple[np.ndarray, ...]) -> None:
    original, change, selection = scene
    left = []
    for grey in np.linspace(0, 0.2, 41):
        painted = (original + np.float32(grey) * selection[..., None]).astype(np.float32)
        settled = take_out_drift(painted, original, change, selection, EVERYWHERE)
        left.append(float(np.median(settled[selection]) - np.median(original[~selection])))
    assert np.abs(np.diff(left)).max() < 0.03
    assert left[-1] > 0.15


def test_joints_between_stones_do_not_count_as_their_colour(scene: tuple[np.ndarray, ...]) -> None:
    original, change, selection = scene
    jointed = original.copy()
    jointed[::8] = 0.0
    settled = take_out_drift(original, jointed, change, selection, EVERYWHERE)
    assert np.abs(settled - original).max() < 0.03


def test_a_selection_without_surroundings_keeps_its_colour() -> None:
    painted = np.full((20, 20, 3), 0.7, np.float32)
    everything = np.ones((20, 20), bool)
    assert (take_out_drift(painted, painted * 0, painted[..., 0], everything, everything) == painted).all()
