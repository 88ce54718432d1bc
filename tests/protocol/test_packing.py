"""When pixels are packed: decided by speeds alone."""

from __future__ import annotations

import random

import pytest

from bridge.protocol.link_speed import LinkSpeed
from bridge.protocol.packing import LOCAL_GUESS, REMOTE_GUESS, SMALLEST_PACKED, Packing, Speeds, gain
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.planes import unpacked

TEN_MEGABIT, GIGABIT = 1.25e6, 125e6


def smooth(side: int = 256) -> Picture:
    return Picture(side, side, PixelFormat.RGBA8, bytes(index % 256 for index in range(side * 4)) * side)


def noise(side: int = 256) -> Picture:
    return Picture(side, side, PixelFormat.RGBA8, random.Random(5).randbytes(side * side * 4))


def packing(rate: float, seconds_a_megabyte: float = 1 / 60) -> Packing:
    """For a link of this speed in bytes a second, on a machine of that speed."""
    readings = iter(index * 0.262144 * seconds_a_megabyte for index in range(10_000))
    return Packing(LinkSpeed(rate, 0.01), clock=lambda: next(readings))


def test_a_slow_link_gets_packed_pixels_and_they_are_the_same():
    data = packing(TEN_MEGABIT).pack(smooth())
    assert data is not None
    assert len(data) < smooth().nbytes / 10
    assert unpacked(data, 256, 256, PixelFormat.RGBA8) == smooth().pixels


@pytest.mark.parametrize("rate", [GIGABIT, LOCAL_GUESS])
def test_a_fast_link_gets_raw_pixels(rate):
    assert packing(rate).pack(smooth()) is None


def test_a_network_is_taken_for_slow_until_it_is_measured():
    assert packing(REMOTE_GUESS).pack(smooth()) is not None


def test_noise_goes_raw_over_the_slowest_link():
    assert packing(TEN_MEGABIT / 100).pack(noise()) is None


def test_after_noise_pictures_are_packed_as_before():
    decided = packing(TEN_MEGABIT)
    assert [decided.pack(picture) is None for picture in (smooth(), noise(), noise(), smooth())] == [
        False, True, True, False,
    ]  # fmt: skip


def test_what_is_tiny_is_not_worth_a_thought():
    side = int((SMALLEST_PACKED / 4) ** 0.5) - 1
    assert packing(TEN_MEGABIT).pack(smooth(side)) is None


def test_dabs_are_packed_without_being_tried_first():
    dab, grain = smooth(64), noise(64)
    slow, fast = packing(TEN_MEGABIT), packing(GIGABIT)
    assert len(slow.pack(dab) or dab.pixels) < dab.nbytes / 4
    assert slow.pack(grain) is None
    assert fast.pack(dab) is None


def test_a_slow_machine_packs_only_for_links_that_are_slower_still():
    slow = packing(20e6, seconds_a_megabyte=1 / 2)
    assert slow.pack(smooth()) is not None  # it does not know yet
    assert [slow.pack(smooth()) is None for _ in range(8)][-1]
    assert packing(20e6).pack(smooth()) is not None


def test_what_is_about_equal_does_not_alternate():
    """Where the gain is 1, whatever was done is done again."""
    rate = 1 / (1 / Speeds().pack + 1 / Speeds().unpack)
    assert gain(Speeds(), rate, float("inf")) == pytest.approx(1)
    speed = LinkSpeed(rate, 0.01)
    fresh, used = Packing(speed, clock=lambda: 0.0), Packing(speed, clock=lambda: 0.0)
    used._packs = True
    assert (fresh._worth(float("inf")), used._worth(float("inf"))) == (False, True)


@pytest.mark.parametrize(
    ("link", "ratio", "expected"),
    [(1.25e6, 2.5, 2.3), (12.5e6, 2.5, 1.36), (125e6, 2.5, 0.27), (12.5e6, 1.0, 0.75)],
)
def test_the_gain_is_the_time_raw_over_the_time_packed(link, ratio, expected):
    assert gain(Speeds(60e6, 100e6), link, ratio) == pytest.approx(expected, rel=0.03)
