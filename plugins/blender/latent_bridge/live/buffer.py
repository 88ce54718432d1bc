# SPDX-License-Identifier: GPL-3.0-or-later
"""The pixels of an image as Blender hands them over, beside those of its canvas. Pure.

Blender: float32, RGBA, rows from the bottom, all of them at once. Canvas: bytes, rows from the top, any area. The one
is `values`, which Blender fills and takes; of the other a copy is kept, so that what was painted shows as what differs.
"""

from __future__ import annotations

import array
from collections.abc import Iterator
from typing import Any

from ..floats import floats_of
from ..pictures import find_numpy
from ..vendored import areas

CHANNELS = 4


def make_buffer(width: int, height: int) -> NumpyBuffer | PlainBuffer:
    """A buffer for an image of this size, pixels; without numpy a slower one."""
    numpy = find_numpy()
    return PlainBuffer(width, height) if numpy is None else NumpyBuffer(width, height, numpy)


class NumpyBuffer:
    """Both sides as arrays, looked at in rows of tiles that stay in the processor's cache.

    Attributes:
        values: `width * height * 4` float32, for `foreach_get` and `foreach_set`.
    """

    def __init__(self, width: int, height: int, numpy: Any) -> None:
        self.width, self.height = width, height
        self._numpy = numpy
        self.values = numpy.zeros(width * height * CHANNELS, numpy.float32)
        self._host = self.values.reshape(height, width, CHANNELS)[::-1]
        self._known = numpy.zeros((height, width, CHANNELS), numpy.uint8)
        self._scaled = numpy.empty((areas.TILE_SIDE, width, CHANNELS), numpy.float32)

    def suppose(self, data: bytes) -> None:
        """The canvas has these pixels: what differs from them is what `changed` tells next."""
        self._known[...] = self._numpy.frombuffer(data, self._numpy.uint8).reshape(self._known.shape)

    def changed(self) -> list[areas.Area]:
        """Where `values` differ from what was known, tightly, tile by tile; from now on they are what is known."""
        return areas.gathered(area for y in range(0, self.height, areas.TILE_SIDE) for area in self._changed_row(y))

    def read(self, area: areas.Area) -> bytes:
        """What is known of an area."""
        return self._known[area.y : area.bottom, area.x : area.right].tobytes()

    def write(self, area: areas.Area, data: bytes) -> None:
        """Put pixels of the canvas into `values`."""
        numpy = self._numpy
        pixels = numpy.frombuffer(data, numpy.uint8).reshape(area.height, area.width, CHANNELS)
        self._known[area.y : area.bottom, area.x : area.right] = pixels
        place = self._host[area.y : area.bottom, area.x : area.right]
        numpy.multiply(pixels, numpy.float32(1 / 255), out=place)

    def _changed_row(self, y: int) -> Iterator[areas.Area]:
        numpy, rows = self._numpy, min(areas.TILE_SIDE, self.height - y)
        scaled = numpy.multiply(self._host[y : y + rows], numpy.float32(255), out=self._scaled[:rows])
        scaled += numpy.float32(0.5)
        now = scaled.astype(numpy.uint8)
        known = self._known[y : y + rows]
        differs = (now.view(numpy.uint32) != known.view(numpy.uint32))[..., 0]
        if not differs.any():
            return
        known[...] = now
        for x in range(0, self.width, areas.TILE_SIDE):
            tile = differs[:, x : x + areas.TILE_SIDE]
            down, across = tile.any(axis=1).nonzero()[0], tile.any(axis=0).nonzero()[0]
            if down.size:
                left, top = int(across[0]), int(down[0])
                width, height = int(across[-1]) + 1 - left, int(down[-1]) + 1 - top
                yield areas.Area(x + left, y + top, width, height)


class PlainBuffer:
    """Without numpy: memory is compared as it lies there, and only what differs is looked at value by value."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.values = array.array("f", bytes(width * height * CHANNELS * 4))
        self._memory = memoryview(self.values).cast("B")
        self._known = bytearray(width * height * CHANNELS * 4)

    def suppose(self, data: bytes) -> None:
        """See `NumpyBuffer`."""
        row = self.width * CHANNELS
        for y in range(self.height):
            start = self._at(0, y) * 4
            self._known[start : start + row * 4] = floats_of(data[y * row : (y + 1) * row])

    def changed(self) -> list[areas.Area]:
        """See `NumpyBuffer`; the areas are as wide as a tile."""
        now = self.values.tobytes()
        if now == self._known:
            return []
        found = areas.gathered(
            area for y in range(0, self.height, areas.TILE_SIDE) for area in self._changed_row(y, now)
        )
        self._known[:] = now
        return found

    def read(self, area: areas.Area) -> bytes:
        """See `NumpyBuffer`."""
        return b"".join(
            bytes([int(value * 255 + 0.5) for value in self.values[start : start + area.width * CHANNELS]])
            for start in (self._at(area.x, y) for y in range(area.y, area.bottom))
        )

    def write(self, area: areas.Area, data: bytes) -> None:
        """See `NumpyBuffer`."""
        row = area.width * CHANNELS
        for number, y in enumerate(range(area.y, area.bottom)):
            start = self._at(area.x, y) * 4
            floats = floats_of(data[number * row : (number + 1) * row])
            self._memory[start : start + row * 4] = self._known[start : start + row * 4] = floats

    def _at(self, x: int, y: int) -> int:
        """Where a pixel begins in `values`."""
        return ((self.height - 1 - y) * self.width + x) * CHANNELS

    def _changed_row(self, y: int, now: bytes) -> Iterator[areas.Area]:
        tops: dict[int, int] = {}
        bottoms: dict[int, int] = {}
        for line in range(y, min(y + areas.TILE_SIDE, self.height)):
            start = self._at(0, line) * 4
            end = start + self.width * CHANNELS * 4
            if now[start:end] == self._known[start:end]:
                continue
            for x in range(0, self.width, areas.TILE_SIDE):
                first = start + x * CHANNELS * 4
                last = min(first + areas.TILE_SIDE * CHANNELS * 4, end)
                if now[first:last] != self._known[first:last]:
                    tops.setdefault(x, line)
                    bottoms[x] = line + 1
        for x, top in tops.items():
            yield areas.Area(x, top, min(areas.TILE_SIDE, self.width - x), bottoms[x] - top)
