"""From a selection to the two masks of inpainting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from bridge.engine.inpaint.context import Rect
from bridge.engine.inpaint.masks import build_masks, default_feather, inpaint_ramps, is_soft, outpaint_ramps

widths = st.integers(0, 40)
selections = npst.arrays(np.uint8, (24, 31), elements=st.sampled_from([0, 0, 0, 255, 255, 100])).map(
    lambda values: (values / 255).astype(np.float32)
)


def box(size: int = 100, start: int = 40, end: int = 60) -> np.ndarray:
    selection = np.zeros((size, size), np.float32)
    selection[start:end, start:end] = 1
    return selection


@settings(max_examples=60)
@given(selections, widths, widths, widths)
def test_both_masks_are_opaque_in_the_selection_and_in_range(
    selection: np.ndarray, grow: int, feather: int, blend: int
) -> None:
    change, composite = build_masks(selection, inpaint_ramps(grow, feather, blend))
    for mask in (change, composite):
        assert mask.dtype == np.float32
        assert mask.min() >= 0
        assert mask.max() <= 1
    assert (change[selection == 1] == 1).all()
    assert (composite[selection == 1] == 1).all()


@settings(max_examples=60)
@given(selections, widths, widths, widths)
def test_nothing_is_blended_in_that_was_not_allowed_to_change(
    selection: np.ndarray, grow: int, feather: int, blend: int
) -> None:
    change, composite = build_masks(selection, inpaint_ramps(grow, feather, blend))
    assert (change[composite > 1e-6] > 0).all()


@settings(max_examples=30)
@given(selections, selections, widths, widths)
def test_selecting_more_never_changes_less(one: np.ndarray, other: np.ndarray, grow: int, feather: int) -> None:
    more = np.maximum(one, other)
    ramps = inpaint_ramps(grow, feather, min(grow, feather))
    if is_soft(one) or is_soft(more) or not (one >= 0.5).any():
        return
    assert (build_masks(more, ramps)[0] >= build_masks(one, ramps)[0]).all()


def test_masks_fall_off_with_the_distance() -> None:
    change, composite = build_masks(box(), inpaint_ramps(grow=10, feather=10, blend=6))
    outwards = change[50, 59:80]
    assert (np.diff(outwards) <= 0).all()
    # Grown by 10 and feathered over 10: whole up to 5 px from the edge, nothing from 15 px on.
    assert outwards[5] == 1
    assert outwards[10] == pytest.approx(0.5)
    assert outwards[15] == 0
    assert composite[50, 59 + 9] == 1
    assert composite[50, 59 + 12] == pytest.approx(0.5)
    assert composite[50, 59 + 15] == 0


def test_without_grow_and_feather_nothing_reaches_beyond_the_selection() -> None:
    for mask in build_masks(box(), inpaint_ramps(0, 0, 25)):
        assert (mask == box()).all()


def test_a_soft_selection_is_its_own_compositing_mask() -> None:
    selection = np.tile(np.clip(np.linspace(-0.5, 1.5, 100), 0, 1).astype(np.float32), (50, 1))
    assert is_soft(selection)
    change, composite = build_masks(selection, inpaint_ramps(20, 32, 25))
    assert (composite == selection).all()
    assert (change[selection > 0] == 1).all()


def test_an_antialiased_edge_is_not_a_soft_selection() -> None:
    selection = box()
    selection[39, 40:60] = 0.4
    selection[40:60, 60] = 0.7
    assert not is_soft(selection)


def test_a_selection_of_half_strength_everywhere_is_soft() -> None:
    assert is_soft(np.full((5, 5), 0.5, np.float32))


def test_the_seam_of_outpainting_lies_inside_the_picture() -> None:
    selection = np.zeros((10, 200), np.float32)
    selection[:, :50] = 1
    change, composite = build_masks(selection, outpaint_ramps(blend=16, feather=64))
    assert composite[5, 49] == 1
    assert 0 < composite[5, 60] < 1
    assert (composite[5, 66:] == 0).all()
    assert (change[5, :65] == 1).all()
    assert (change[5, 130:] == 0).all()


def test_the_feather_grows_with_the_selection() -> None:
    assert default_feather(Rect(0, 0, 30, 30)) == 32
    assert default_feather(Rect(0, 0, 600, 800)) == 100
