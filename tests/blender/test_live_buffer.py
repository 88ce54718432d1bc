"""Pixels of an image beside those of its canvas, with numpy and without: both do the same."""

from __future__ import annotations

import random

import numpy as np
import pytest
from blender_addon.live.buffer import NumpyBuffer, PlainBuffer
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.areas import Area

KINDS = {"numpy": lambda width, height: NumpyBuffer(width, height, np), "plain": PlainBuffer}
sizes = st.integers(1, 150)


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest):
    """Makes a buffer of either kind."""
    return KINDS[request.param]


def host_pixels(buffer: NumpyBuffer | PlainBuffer) -> np.ndarray:
    """What Blender would show, as bytes, from the top."""
    values = np.array(buffer.values, np.float32).reshape(buffer.height, buffer.width, 4)[::-1]
    return (values * 255 + 0.5).astype(np.uint8)


def paint(buffer: NumpyBuffer | PlainBuffer, x: int, y: int, byte: int) -> None:
    """Change a pixel as Blender would, counted from the top."""
    at = ((buffer.height - 1 - y) * buffer.width + x) * 4
    for channel in range(4):
        buffer.values[at + channel] = byte / 255


def covered(found: list[Area], buffer: NumpyBuffer | PlainBuffer) -> np.ndarray:
    """Which pixels areas cover."""
    mask = np.zeros((buffer.height, buffer.width), bool)
    for area in found:
        assert area.within(buffer.width, buffer.height)
        mask[area.y : area.bottom, area.x : area.right] = True
    return mask


def test_every_byte_comes_back_as_it_was(make):
    buffer = make(16, 16)
    data = bytes(range(256)) * 4
    buffer.write(Area(0, 0, 16, 16), data)
    assert host_pixels(buffer).tobytes() == data
    assert buffer.changed() == []
    assert buffer.read(Area(0, 0, 16, 16)) == data


def test_a_dab_is_sent_as_no_more_than_its_tile(make):
    buffer = make(256, 256)
    for y in range(70, 80):
        paint(buffer, 140, y, 200)
    (area,) = buffer.changed()
    assert (area.y, area.height) == (70, 10)
    assert area.width <= 64
    assert buffer.changed() == []


@pytest.mark.parametrize("kind", KINDS)
@given(width=sizes, height=sizes, seed=st.integers(0, 2**32))
def test_what_was_painted_is_found_and_nothing_is_lost(kind: str, width: int, height: int, seed: int):
    source = random.Random(seed)
    buffer = KINDS[kind](width, height)
    data = source.randbytes(width * height * 4)
    buffer.suppose(data)
    buffer.write(Area(0, 0, width, height), data)
    assert buffer.changed() == []
    dots = [(source.randrange(width), source.randrange(height)) for _ in range(5)]
    before = host_pixels(buffer)
    for x, y in dots:
        paint(buffer, x, y, source.randrange(256))
    now = host_pixels(buffer)
    found = buffer.changed()
    assert covered(found, buffer)[(before != now).any(axis=2)].all()
    for area in found:
        assert buffer.read(area) == now[area.y : area.bottom, area.x : area.right].tobytes()


@pytest.mark.parametrize("kind", KINDS)
@given(width=sizes, height=sizes, data=st.data())
def test_what_others_painted_lands_where_it_belongs(kind: str, width: int, height: int, data: st.DataObject):
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    area = Area(x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y)))
    pixels = random.Random(1).randbytes(area.pixels * 4)
    buffer = KINDS[kind](width, height)
    buffer.write(area, pixels)
    expected = np.zeros((height, width, 4), np.uint8)
    expected[area.y : area.bottom, area.x : area.right] = np.frombuffer(pixels, np.uint8).reshape(
        area.height, area.width, 4
    )
    assert np.array_equal(host_pixels(buffer), expected)
    assert buffer.changed() == []
