"""Rectangles of a canvas, in whole pixels. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .fields import spec

TILE_SIDE = 64
"""Side of the squares by which it is known who changed what last, px."""


@dataclass(frozen=True, order=True)
class Area:
    """A rectangle."""

    x: int = spec("Left edge.", unit="px")
    y: int = spec("Upper edge.", unit="px")
    width: int = spec("Width.", ge=1, unit="px")
    height: int = spec("Height.", ge=1, unit="px")

    @property
    def right(self) -> int:
        """The first column beyond it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row beyond it."""
        return self.y + self.height

    @property
    def pixels(self) -> int:
        """How many it holds."""
        return self.width * self.height

    def common(self, other: Area) -> Area | None:
        """What belongs to both; None when nothing does."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        width, height = min(self.right, other.right) - x, min(self.bottom, other.bottom) - y
        return Area(x, y, width, height) if width > 0 and height > 0 else None

    def around(self, other: Area) -> Area:
        """The smallest area that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Area(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def within(self, width: int, height: int) -> bool:
        """Whether it lies on a canvas of this size."""
        return self.x >= 0 and self.y >= 0 and self.right <= width and self.bottom <= height

    def tiles(self, across: int, side: int = TILE_SIDE) -> Iterator[int]:
        """Numbers of the tiles that it touches, of a canvas that is `across` tiles wide; row by row."""
        for row in range(self.y // side, (self.bottom - 1) // side + 1):
            yield from range(row * across + self.x // side, row * across + (self.right - 1) // side + 1)


def tiles_across(width: int, side: int = TILE_SIDE) -> int:
    """How many tiles cover a width."""
    return -(-width // side)


def gathered(areas: Iterable[Area]) -> list[Area]:
    """Areas that cover the same and perhaps a little more, fewer where that costs few pixels.

    Two become one where the one holds no more pixels than both: that is less to send and never much more to copy.
    """
    kept: list[Area] = []
    for area in areas:
        merged = area
        while True:
            other = next((each for each in kept if merged.around(each).pixels <= merged.pixels + each.pixels), None)
            if other is None:
                break
            kept.remove(other)
            merged = merged.around(other)
        kept.append(merged)
    return kept
