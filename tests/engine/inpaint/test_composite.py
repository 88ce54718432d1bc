"""Blending a result into a canvas in the canvas's own format and depth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.engine.conversion import channels_of, encode
from bridge.engine.inpaint.composite import composite
from bridge.protocol.pixels import ColourSpace, PixelFormat
from tests.engine.bench import random_picture

PAINTED = np.random.default_rng(1).random((20, 30, 3), dtype=np.float32)
SRGB = ColourSpace.SRGB


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_where_alpha_is_nothing_no_bit_changes_and_where_it_is_whole_the_result_is_there(
    pixel_format: PixelFormat,
) -> None:
    canvas = channels_of(random_picture(30, 20, pixel_format, opaque=False))
    alpha = np.zeros((20, 30), np.float32)
    alpha[:, 10:20] = 0.5
    alpha[:, 20:] = 1
    blended = composite(canvas, pixel_format, SRGB, PAINTED, alpha)
    assert blended.dtype == canvas.dtype
    assert blended[:, :10].tobytes() == canvas[:, :10].tobytes()
    assert (blended[:, 20:] == encode(PAINTED, None, pixel_format, SRGB)[:, 20:]).all()


def test_broken_floats_of_the_canvas_are_kept_outside_and_do_not_spread() -> None:
    canvas = np.full((20, 30, 4), np.nan, "<f4")
    canvas[5, 5] = [np.inf, -7, 1e30, 1]
    alpha = np.zeros((20, 30), np.float32)
    alpha[:, 15:] = 1
    alpha[:, 14] = 0.5
    blended = composite(canvas, PixelFormat.RGBA32F, SRGB, PAINTED, alpha)
    assert blended[:, :14].tobytes() == canvas[:, :14].tobytes()
    assert np.isfinite(blended[:, 14:]).all()


@settings(max_examples=40)
@given(st.integers(0, 65535), st.floats(0, 1, width=32), st.floats(0, 1, width=32))
def test_an_opaque_canvas_is_blended_linearly_in_its_own_depth(old: int, new: float, alpha: float) -> None:
    canvas = np.full((1, 1, 3), old, "<u2")
    painted = np.full((1, 1, 3), new, np.float32)
    blended = composite(canvas, PixelFormat.RGB16, SRGB, painted, np.full((1, 1), alpha, np.float32))
    assert abs(int(blended[0, 0, 0]) - (old + (new * 65535 - old) * alpha)) <= 1.01


def test_over_a_transparent_canvas_the_result_keeps_its_colour() -> None:
    canvas = np.zeros((1, 1, 4), np.uint8)
    painted = np.array([[[1.0, 0.5, 0.0]]], np.float32)
    blended = composite(canvas, PixelFormat.RGBA8, SRGB, painted, np.full((1, 1), 0.5, np.float32))
    assert blended[0, 0].tolist() == [255, 128, 0, 128]
