"""What the masked part holds before it is encoded."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from bridge.engine.inpaint.fill import fill, push_pull
from bridge.protocol.tasks import FillMethod

METHODS = get_args(FillMethod)
holes = npst.arrays(bool, npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


def gradient(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x / width, y / height, (x + y) / (width + height)], axis=-1).astype(np.float32)


@settings(max_examples=60)
@given(holes, st.sampled_from(METHODS))
def test_outside_the_hole_every_method_leaves_every_bit(hole: np.ndarray, method: FillMethod) -> None:
    rgb = gradient(*hole.shape)
    filled = fill(rgb, hole, method)
    assert filled.dtype == np.float32
    assert (filled[~hole] == rgb[~hole]).all()
    assert np.isfinite(filled).all()
    assert filled.min() >= 0
    assert filled.max() <= 1


@pytest.mark.parametrize("method", [method for method in METHODS if method != "original"])
def test_nothing_of_the_old_content_is_left_in_the_hole(method: FillMethod) -> None:
    hole = np.zeros((64, 64), bool)
    hole[20:44, 20:44] = True
    rgb, other = gradient(64, 64), gradient(64, 64)
    other[hole] = [1, 0, 0]
    assert (fill(rgb, hole, method) == fill(other, hole, method)).all()


def test_original_keeps_what_is_there() -> None:
    rgb = gradient(8, 8)
    assert fill(rgb, np.ones((8, 8), bool), "original") is rgb


def test_blur_continues_a_gradient() -> None:
    hole = np.zeros((128, 128), bool)
    hole[40:90, 40:90] = True
    rgb = gradient(128, 128)
    smooth = push_pull(rgb, ~hole)
    assert np.abs(smooth - rgb)[hole].mean() < 0.06
    assert np.abs(np.diff(smooth[60], axis=0)).max() < 0.08


def test_push_pull_keeps_a_constant_constant() -> None:
    known = np.random.default_rng(3).random((77, 53)) < 0.02
    rgb = np.full((77, 53, 3), 0.37, np.float32)
    assert np.abs(push_pull(rgb, known) - 0.37).max() < 1e-5


def test_border_stretches_the_nearest_pixel() -> None:
    rgb = gradient(10, 30)
    hole = np.zeros((10, 30), bool)
    hole[:, 20:] = True
    assert (fill(rgb, hole, "border")[:, 20:] == rgb[:, 19:20]).all()


def test_a_hole_without_surroundings_is_neutral() -> None:
    for method in ("blur", "border", "noise", "neutral"):
        assert (fill(gradient(6, 6), np.ones((6, 6), bool), method) == 0.5).all()
