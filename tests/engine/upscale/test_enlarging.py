"""Parts of an enlarged picture are the same as the whole."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from bridge.engine.conversion import channels_of, read_rgb
from bridge.engine.resampling import resize, resize_around
from bridge.engine.upscale.enlarging import Enlarged, of_floats
from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat
from tests.engine.bench import pixels, random_picture


def enlarged(picture: Picture, width: int, height: int, **more: bool) -> Enlarged:
    return Enlarged(channels_of(picture), picture.format, picture.colour_space, width, height, **more)


@pytest.mark.parametrize("size", [(150, 122), (75, 61), (50, 40)])
def test_any_part_is_that_part_of_the_resampled_picture(size: tuple[int, int]) -> None:
    picture = random_picture(75, 61, PixelFormat.RGB8)
    whole = resize(read_rgb(picture)[0], *size)
    part, alpha = enlarged(picture, *size).region(11, 7, 30, 25)
    assert alpha is None
    assert np.allclose(part, whole[7:32, 11:41], atol=1e-5)


def test_a_seamless_picture_is_resampled_round_its_edges() -> None:
    picture = random_picture(64, 48, PixelFormat.RGB8)
    whole = resize_around(read_rgb(picture)[0], 128, 96, "x")
    part, _ = enlarged(picture, 128, 96, wrap_x=True).region(-16, 0, 160, 96)
    part, whole = part[8:-8], whole[8:-8]
    assert np.allclose(part[:, 16:144], whole, atol=1e-5)
    assert np.allclose(part[:, :16], whole[:, -16:], atol=1e-5)
    assert np.allclose(part[:, 144:], whole[:, :16], atol=1e-5)


def test_beyond_the_picture_its_outermost_pixels_go_on() -> None:
    part, _ = of_floats(np.full((8, 8, 3), 0.25, np.float32), 16, 16).region(10, -5, 40, 10)
    assert np.allclose(part, 0.25, atol=1e-6)


def test_colours_under_transparent_pixels_do_not_bleed() -> None:
    channels = np.zeros((32, 32, 4), np.uint8)
    channels[:, :16] = (255, 0, 0, 255)
    channels[:, 16:] = (0, 255, 0, 0)
    picture = Picture(32, 32, PixelFormat.RGBA8, channels.tobytes())
    colours, alpha = enlarged(picture, 64, 64).region(0, 0, 64, 64)
    visible = alpha > 0.02
    assert colours[visible][:, 1].max() < 0.02
    assert 0.2 < alpha[:, 31].mean() < 1


def test_16_bits_stay_16_bits() -> None:
    ramp = np.linspace(20000, 21000, 64).astype("<u2")
    channels = np.repeat(np.repeat(ramp[None, :, None], 8, 0), 3, 2)
    picture = Picture(64, 8, PixelFormat.RGB16, channels.tobytes())
    result = pixels(enlarged(picture, 128, 16).written(None, PixelFormat.RGB16)).astype(int)
    inner = result[:, 8:-8, 0]
    assert len(np.unique(inner)) > 100
    assert np.abs(np.diff(inner, axis=1)).max() <= 12


def test_the_colour_space_stays() -> None:
    picture = Picture(8, 8, PixelFormat.RGB32F, np.full((8, 8, 3), 0.2, "<f4").tobytes(), ColourSpace.LINEAR_SRGB)
    written = enlarged(picture, 16, 16).written(None, PixelFormat.RGB32F)
    assert written.colour_space is ColourSpace.LINEAR_SRGB
    assert np.allclose(pixels(written), 0.2, atol=1e-3)


def test_what_is_needed_beside_the_result_does_not_grow_with_it() -> None:
    beside = []
    for side in (1024, 2048, 4096):
        enlarged = of_floats(np.random.default_rng(0).random((side // 8, side // 8, 3)).astype(np.float32), side, side)
        tracemalloc.start()
        picture = enlarged.written(None, PixelFormat.RGBA8)
        beside.append(tracemalloc.get_traced_memory()[1] - len(picture.pixels))
        tracemalloc.stop()
    assert beside[2] <= 1.1 * beside[1] <= 1.3 * beside[0]
