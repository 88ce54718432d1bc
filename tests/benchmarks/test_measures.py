"""Measures on pictures whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.measures import tile_border_ratio, wrap_discontinuity_ratio


def periodic(side: int = 64) -> np.ndarray:
    rows, columns = np.mgrid[0:side, 0:side] / side * 2 * np.pi
    return np.stack([np.sin(4 * rows + 4 * columns)] * 3, axis=-1)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_periodic_picture_has_no_wrap_to_speak_of(axis: str) -> None:
    noise = np.random.default_rng(0).normal(size=(256, 256, 3))
    assert wrap_discontinuity_ratio(noise, axis) == pytest.approx(1, abs=0.1)
    assert wrap_discontinuity_ratio(periodic(), axis) == pytest.approx(1, abs=0.01)


def test_a_ramp_jumps_as_much_at_its_wrap_as_it_climbs() -> None:
    ramp = np.tile(np.arange(32.0), (8, 1))
    assert wrap_discontinuity_ratio(ramp, "x") == pytest.approx(31)
    assert wrap_discontinuity_ratio(ramp, "y") == 1
    assert wrap_discontinuity_ratio(ramp.T, "y") == pytest.approx(31)


def test_a_jump_at_the_wrap_of_a_flat_picture_is_infinitely_worse_than_inside() -> None:
    picture = np.zeros((4, 64))
    assert wrap_discontinuity_ratio(picture, "x") == 1
    picture[:, -1] = 1
    assert wrap_discontinuity_ratio(picture, "x") == float("inf")


def test_noise_has_no_tile_borders() -> None:
    noise = np.random.default_rng(0).normal(size=(256, 256, 3))
    assert tile_border_ratio(noise, [64, 128, 192], "x") == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("axis", ["x", "y"])
def test_tiles_of_different_brightness_show_at_their_borders(axis: str) -> None:
    picture = np.random.default_rng(0).normal(0, 0.01, size=(128, 128))
    picture[:, 64:] += 1
    picture = picture if axis == "x" else picture.T
    assert tile_border_ratio(picture, [64], axis) > 10
    assert tile_border_ratio(picture, [32], axis) < 1


def test_8_bit_pictures_do_not_wrap_around() -> None:
    picture = np.zeros((4, 16), np.uint8)
    picture[:, 8:] = 255
    assert tile_border_ratio(picture, [8], "x") == float("inf")


def test_a_border_has_to_lie_inside() -> None:
    with pytest.raises(ValueError, match="border"):
        tile_border_ratio(np.zeros((8, 8)), [], "x")
