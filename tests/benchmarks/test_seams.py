"""The measures of a repainted region see what an eye would see."""

import numpy as np
import pytest

from benchmarks.seams import changed_bits, ring_shift, seam_ratio


@pytest.fixture
def grain():
    rng = np.random.default_rng(1)
    return rng.integers(90, 110, (128, 128, 3)).astype(np.uint8)


@pytest.fixture
def disc():
    y, x = np.mgrid[:128, :128] - 64
    return x**2 + y**2 < 40**2


def test_every_bit_that_differs_in_the_mask_counts(grain, disc):
    other = grain.copy()
    other[64, 64, 0] ^= 0b101
    other[0, 0, 0] ^= 0b1
    assert changed_bits(grain, other, disc) == 2
    assert changed_bits(grain, other, ~disc) == 1
    assert changed_bits(grain, grain, disc) == 0


def test_other_grain_of_the_same_kind_leaves_no_seam(grain, disc):
    rng = np.random.default_rng(2)
    result = np.where(disc[..., None], rng.integers(90, 110, grain.shape), grain)
    assert seam_ratio(grain, result, disc) == pytest.approx(1, abs=0.1)


def test_a_step_in_brightness_is_a_seam(grain, disc):
    result = grain.astype(int) + 40 * disc[..., None]
    assert seam_ratio(grain, result, disc) > 3


def test_a_region_that_goes_on_does_not_shift(grain, disc):
    assert ring_shift(grain, grain, disc) == 0


def test_a_tint_shifts_the_ring(grain, disc):
    result = grain.astype(int)
    result[..., 0] += 30 * disc
    assert ring_shift(grain, result.astype(np.uint8), disc) > 5


def test_only_the_ring_counts(grain, disc):
    result = grain.copy()
    result[60:68, 60:68] = (255, 0, 0)
    assert ring_shift(grain, result, disc, width=8) == 0
