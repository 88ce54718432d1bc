"""What a frame starts from, and how it is shown."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.engine.conversion import channels_of
from bridge.engine.live.seeing import seen, seen_mask, shown
from bridge.protocol.pixels import Picture, PixelFormat


def flat(pixel_format: PixelFormat, *values: int, side: int = 64) -> Picture:
    return Picture(side, side, pixel_format, bytes(values) * side * side)


@pytest.mark.parametrize(
    "picture",
    [
        flat(PixelFormat.RGB8, 200, 100, 50),
        flat(PixelFormat.RGBA8, 200, 100, 50, 255),
        flat(PixelFormat.BGRA8, 50, 100, 200, 255),
        Picture(64, 64, PixelFormat.RGBA16, np.array([200, 100, 50, 255], "<u2").repeat(1).tobytes() * 4096),
    ],
    ids=lambda picture: picture.format.value,
)
def test_colours_are_the_canvas_s_at_any_size(picture: Picture) -> None:
    rgb = seen(picture, 24, 40)
    assert rgb.shape == (40, 24, 3)
    if picture.format is not PixelFormat.RGBA16:
        assert np.abs(rgb * 255 - (200, 100, 50)).max() < 1


def test_sixteen_bits_are_read_as_such() -> None:
    values = np.array([0x8000, 0x4000, 0xFFFF, 0xFFFF], "<u2").tobytes()
    rgb = seen(Picture(8, 8, PixelFormat.RGBA16, values * 64), 8, 8)
    assert np.allclose(rgb[0, 0], (0.5, 0.25, 1), atol=1e-3)


def test_what_is_transparent_is_neutral() -> None:
    rgb = seen(flat(PixelFormat.RGBA8, 255, 0, 0, 0), 32, 32)
    assert np.allclose(rgb, 0.5)


def test_a_smaller_picture_averages_what_is_there() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    rgb = seen(Picture(64, 64, PixelFormat.RGB8, stripes.tobytes()), 16, 16)
    assert np.allclose(rgb[:, 2:-2], 0.5, atol=0.02)


def test_a_mask_stays_what_it_was_away_from_its_edge() -> None:
    values = np.zeros((64, 64), np.uint8)
    values[:, 32:] = 255
    mask = seen_mask(Picture(64, 64, PixelFormat.GRAY8, values.tobytes()), 32, 32)
    assert mask[:, :14].max() == 0
    assert mask[:, 18:].min() == 1


def test_a_frame_is_shown_no_larger_than_asked() -> None:
    rgb = np.full((40, 80, 3), 0.5, np.float32)
    assert (shown(rgb, None, 0).width, shown(rgb, None, 0).height) == (80, 40)
    assert (shown(rgb, None, 200).width, shown(rgb, None, 200).height) == (80, 40)
    small = shown(rgb, None, 20)
    assert (small.width, small.height, small.format) == (20, 10, PixelFormat.RGB8)


def test_a_mask_is_the_frame_s_alpha() -> None:
    alpha = np.zeros((8, 8), np.float32)
    alpha[2:4] = 1
    picture = shown(np.ones((8, 8, 3), np.float32), alpha, 0)
    assert picture.format is PixelFormat.RGBA8
    assert np.array_equal(channels_of(picture)[..., 3] / 255, alpha)
