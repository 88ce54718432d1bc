"""Where tiles lie, and how much each has to say about every pixel of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.engine.conversion import Floats

OVERLAP = 0.25
"""Least share of a tile's side that its neighbours see as well."""


@dataclass(frozen=True)
class Span:
    """A tile along one side.

    Attributes:
        places: the positions that it covers; one that lies across a seamless edge goes on from 0.
        weights: what it contributes to each; those of all tiles sum up to 1 everywhere.
    """

    places: npt.NDArray[np.int64]
    weights: Floats

    @property
    def start(self) -> int:
        """The first position."""
        return int(self.places[0])

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True)
class Tiles:
    """A picture that is painted tile by tile.

    Attributes:
        width: of what is computed, in px.
        height: likewise.
        side: of a tile, in px.
        multiple: tiles begin and end at multiples of this, in px.
        canvas: width and height of the picture that the tiles lie over, in px; they may reach beyond it.
        source: reads what is there before, by left, top, width and height in px: (height, width, 3), 0 to 1.
        wrap_x: the picture continues across left and right.
        wrap_y: the picture continues across top and bottom.
        keep_colours: take everything coarse from the source, and from the model only what is fine.
    """

    width: int
    height: int
    side: int
    multiple: int
    canvas: tuple[int, int]
    source: Callable[[int, int, int, int], Floats]
    wrap_x: bool = False
    wrap_y: bool = False
    keep_colours: bool = True

    def spans(self, unit: int) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
        """Spans of rows and of columns, in units of so many px, which divides `multiple`."""
        return (
            spans(self.height, self.side, self.multiple, self.wrap_y, unit),
            spans(self.width, self.side, self.multiple, self.wrap_x, unit),
        )

    @property
    def count(self) -> int:
        """How many tiles there are."""
        rows, columns = self.spans(self.multiple)
        return len(rows) * len(columns)


def spans(length: int, side: int, multiple: int, wrap: bool, unit: int) -> tuple[Span, ...]:
    """Tiles of one length that cover a side evenly and overlap, all in px; the spans count in `unit` px.

    A side that wraps gets at least two tiles, so that its edge lies inside one of them.
    """
    cells, tile = length // multiple, min(side, length) // multiple
    overlap = min(math.ceil(tile * OVERLAP), tile - 1)
    factor = multiple // unit
    starts = [start * factor for start in _starts(cells, tile, overlap, wrap)]
    window = _window(tile * factor, overlap * factor)
    total = np.zeros(cells * factor, np.float64)
    places = [(start + np.arange(tile * factor)) % len(total) for start in starts]
    for place in places:
        total[place] += window
    return tuple(Span(place, (window / total[place]).astype(np.float32)) for place in places)


def _starts(cells: int, tile: int, overlap: int, wrap: bool) -> list[int]:
    if wrap:
        count = max(2, math.ceil(cells / (tile - overlap)))
        return sorted({round(n * cells / count) % cells for n in range(count)})
    if cells <= tile:
        return [0]
    count = math.ceil((cells - overlap) / (tile - overlap))
    return sorted({round(n * (cells - tile) / (count - 1)) for n in range(count)})


def _window(length: int, overlap: int) -> npt.NDArray[np.float64]:
    """Rises smoothly over the overlap, stays, and falls again; above 0 everywhere."""
    inwards = np.minimum(np.arange(length), np.arange(length)[::-1]) + 0.5
    share = np.minimum(1.0, inwards / max(1, overlap))
    window: npt.NDArray[np.float64] = np.maximum(share * share * (3 - 2 * share), 1e-4)
    return window
