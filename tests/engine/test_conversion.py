"""Pixel formats to what models see, and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.conversion import (
    channels_of,
    convert_picture,
    linear_from_srgb,
    read_rgb,
    srgb_from_linear,
    write_picture,
)
from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat
from tests.engine.bench import random_picture

COLOUR_INTEGERS = [f for f in PixelFormat if not f.is_float and not f.value.startswith("gray")]


@pytest.mark.parametrize("pixel_format", COLOUR_INTEGERS)
def test_integer_colours_survive_the_way_to_floats_and_back_bit_for_bit(pixel_format: PixelFormat) -> None:
    picture = random_picture(37, 23, pixel_format, opaque=False)
    assert bytes(write_picture(*read_rgb(picture), pixel_format, picture.colour_space).pixels) == picture.pixels


@pytest.mark.parametrize(("pixel_format", "dtype", "top"), [("gray8", "u1", 255), ("gray16", "<u2", 65535)])
def test_every_grey_survives_bit_for_bit(pixel_format: str, dtype: str, top: int) -> None:
    values = np.arange(top + 1, dtype=dtype)
    picture = Picture(256, (top + 1) // 256, PixelFormat(pixel_format), values.tobytes())
    assert bytes(write_picture(*read_rgb(picture), picture.format, picture.colour_space).pixels) == picture.pixels


def test_every_16_bit_colour_survives_bit_for_bit() -> None:
    values = np.arange(65536, dtype="<u2")
    picture = Picture(128, 128, PixelFormat.RGBA16, values.tobytes())
    assert bytes(write_picture(*read_rgb(picture), picture.format, picture.colour_space).pixels) == picture.pixels


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_every_format_gives_colours_and_alpha_in_range(pixel_format: PixelFormat) -> None:
    rgb, alpha = read_rgb(random_picture(9, 7, pixel_format, opaque=False))
    assert rgb.shape == (7, 9, 3)
    assert rgb.dtype == np.float32
    assert (alpha is not None) == pixel_format.has_alpha
    assert 0 <= rgb.min() <= rgb.max() <= 1


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_a_colour_is_the_same_colour_in_every_format(pixel_format: PixelFormat) -> None:
    grey = np.full((2, 2, 3), 0.6, np.float32)
    rgb, _ = read_rgb(write_picture(grey, None, pixel_format, ColourSpace.SRGB))
    assert np.abs(rgb - 0.6).max() < 1 / 255


def test_channel_order_is_kept_apart() -> None:
    blue = Picture(1, 1, PixelFormat.BGRA8, bytes([255, 0, 0, 255]))
    rgb, _ = read_rgb(blue)
    assert rgb[0, 0].tolist() == [0, 0, 1]
    assert bytes(convert_picture(blue, PixelFormat.RGBA16).pixels) == b"\0\0\0\0\xff\xff\xff\xff"


def test_floats_beyond_the_range_and_broken_ones_are_clipped() -> None:
    values = np.array([-3.0, 7.5, np.nan, np.inf, -np.inf, 0.25], np.float32)
    rgb, _ = read_rgb(Picture(2, 1, PixelFormat.RGB32F, values.tobytes()))
    assert rgb.reshape(-1).tolist() == [0, 1, 0, 1, 0, 0.25]


def test_linear_colours_are_shown_to_models_as_srgb() -> None:
    middle = Picture(1, 1, PixelFormat.RGB32F, np.full(3, 0.214041, "<f4").tobytes(), ColourSpace.LINEAR_SRGB)
    rgb, _ = read_rgb(middle)
    assert rgb[0, 0, 0] == pytest.approx(0.5, abs=1e-4)


@given(st.floats(0, 1, width=32))
def test_the_transfer_function_and_its_inverse_cancel(value: float) -> None:
    there = srgb_from_linear(np.array([value], np.float32))
    assert linear_from_srgb(there)[0] == pytest.approx(value, abs=2e-6)


def test_a_picture_already_in_the_format_keeps_its_very_bytes() -> None:
    picture = random_picture(5, 5, PixelFormat.RGBA32F, opaque=False)
    assert convert_picture(picture, PixelFormat.RGBA32F).pixels is picture.pixels


def test_channels_are_views() -> None:
    picture = random_picture(5, 4)
    assert not channels_of(picture).flags.owndata
