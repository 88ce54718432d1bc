"""The pixels of one layer of a canvas, for the daemon and its clients alike. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from .areas import Area, tiles_across
from .canvases import BLOCK_SIDE, CanvasLayer, Piece
from .errors import BridgeError, ErrorCode
from .pixels import Picture


class CanvasPixels:
    """A layer's pixels, rows top-down and tight, transparent black at first."""

    def __init__(self, layer: CanvasLayer, width: int, height: int) -> None:
        self.layer = layer
        self.width = width
        self.height = height
        self._pixel = layer.format.bytes_per_pixel
        self._bytes = bytearray(width * height * self._pixel)
        self._view = memoryview(self._bytes)

    @property
    def everything(self) -> Area:
        """All of it."""
        return Area(0, 0, self.width, self.height)

    def area_of(self, piece: Piece) -> Area:
        """Where a piece belongs.

        Raises:
            BridgeError: `invalid_field` for a piece of another format, or one that reaches over the edge.
        """
        picture = piece.picture
        area = Area(piece.x, piece.y, picture.width, picture.height)
        problem = ""
        if picture.format is not self.layer.format:
            problem = f"is {picture.format.value}, the layer is {self.layer.format.value}"
        elif not area.within(self.width, self.height):
            problem = f"reaches over the edge of a canvas of {self.width} × {self.height} px"
        if problem:
            raise BridgeError(ErrorCode.INVALID_FIELD, f"A piece {problem}.", field="pieces")
        return area

    def put(self, piece: Piece) -> Area:
        """Copy a piece into the layer; returns where. Raises as `area_of`."""
        area = self.area_of(piece)
        source, length = memoryview(piece.picture.pixels).cast("B"), area.width * self._pixel
        for row, start in enumerate(self._rows(area)):
            self._view[start : start + length] = source[row * length : (row + 1) * length]
        return area

    def piece(self, area: Area) -> Piece:
        """A copy of a part, which must lie on the canvas."""
        length = area.width * self._pixel
        pixels = b"".join(self._view[start : start + length] for start in self._rows(area))
        return Piece(area.x, area.y, Picture(area.width, area.height, self.layer.format, pixels))

    def block_rows(self) -> int:
        """How many rows of blocks there are."""
        return tiles_across(self.height, BLOCK_SIDE)

    def blocks(self, row: int) -> list[Area]:
        """The blocks of a row, from the left; none beyond the lower edge."""
        y = row * BLOCK_SIDE
        height = min(BLOCK_SIDE, self.height - y)
        columns = range(0, self.width if height > 0 else 0, BLOCK_SIDE)
        return [Area(x, y, min(BLOCK_SIDE, self.width - x), height) for x in columns]

    def hashes(self, row: int) -> tuple[str, ...]:
        """The hash of each block of a row; see `SyncCanvas`."""
        return tuple(self._hash(area) for area in self.blocks(row))

    def differing(self, row: int, hashes: tuple[str, ...]) -> list[Area]:
        """The blocks of a row whose hash is another one, or is not given."""
        given = (*hashes, *[""] * len(self.blocks(row)))
        return [area for area, other in zip(self.blocks(row), given, strict=False) if self._hash(area) != other]

    def _hash(self, area: Area) -> str:
        running, length = hashlib.blake2b(digest_size=8), area.width * self._pixel
        for start in self._rows(area):
            running.update(self._view[start : start + length])
        return running.hexdigest()

    def _rows(self, area: Area) -> Iterator[int]:
        """Where each row of an area begins."""
        stride = self.width * self._pixel
        first = area.y * stride + area.x * self._pixel
        return iter(range(first, first + area.height * stride, stride))
