"""One canvas: its layers, its revision, and who changed which tile last. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.protocol.areas import Area, tiles_across
from bridge.protocol.canvas_pixels import CanvasPixels
from bridge.protocol.canvases import CanvasInfo, CanvasLayer, Piece
from bridge.protocol.errors import BridgeError, ErrorCode

Author = int
"""A member of a canvas, by a number that is never used again."""


@dataclass(frozen=True)
class Change:
    """What a patch did.

    Attributes:
        layer: name of the layer.
        revision: number of the change.
        areas: where.
        author: who made it.
        losers: whose pixels it replaced although the author had not seen them.
    """

    layer: str
    revision: int
    areas: tuple[Area, ...]
    author: Author
    losers: frozenset[Author]


class Canvas:
    """A canvas of this daemon."""

    def __init__(self, name: str, width: int, height: int, layers: Sequence[CanvasLayer]) -> None:
        self.name = name
        self.width = width
        self.height = height
        self.revision = 0
        self._layers = {layer.name: CanvasPixels(layer, width, height) for layer in layers}
        self._across = tiles_across(width)
        self._last: dict[str, dict[int, tuple[int, Author]]] = {name: {} for name in self._layers}

    @property
    def nbytes(self) -> int:
        """What its pixels take, in bytes."""
        return nbytes_of(self.width, self.height, [pixels.layer for pixels in self._layers.values()])

    def info(self, members: tuple[str, ...]) -> CanvasInfo:
        """What is told of it."""
        layers = tuple(pixels.layer for pixels in self._layers.values())
        return CanvasInfo(self.name, self.width, self.height, layers, self.revision, members)

    def pixels(self, layer: str) -> CanvasPixels:
        """A layer. Raises `BridgeError` (`invalid_field`) when there is none of this name."""
        found = self._layers.get(layer)
        if found is None:
            raise BridgeError(
                ErrorCode.INVALID_FIELD,
                f"The canvas {self.name} has no layer {layer!r}.",
                hint=f"It has {', '.join(self._layers)}.",
                field="layer",
            )
        return found

    def patch(self, author: Author, layer: str, pieces: Sequence[Piece], seen: int) -> Change:
        """Put pieces into a layer, all or none.

        Raises:
            BridgeError: `invalid_field` for a layer or a piece that does not belong here.
        """
        pixels = self.pixels(layer)
        for piece in pieces:
            pixels.area_of(piece)
        self.revision += 1
        areas = tuple(pixels.put(piece) for piece in pieces)
        last, losers = self._last[layer], set()
        for tile in {tile for area in areas for tile in area.tiles(self._across)}:
            revision, former = last.get(tile, (0, author))
            if revision > seen and former != author:
                losers.add(former)
            last[tile] = (self.revision, author)
        return Change(layer, self.revision, areas, author, frozenset(losers))


def nbytes_of(width: int, height: int, layers: Sequence[CanvasLayer]) -> int:
    """What the pixels of a canvas take, in bytes."""
    return sum(width * height * layer.format.bytes_per_pixel for layer in layers)
