# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user has painted, found without keeping the brush waiting.

Krita tells of a stroke only when it has ended. Meanwhile a thumbnail, which Krita keeps and renews by itself, costs
next to nothing to look at: where it has changed the picture itself is read and compared, a few rows of tiles at a time.
What is too small for the thumbnail is found when the stroke has ended: then everything is compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from ..request import Rect
from ..vendored import areas, canvas_pixels, canvases, pixels
from .tiles import band_area, bands_of, changed_rows, differing

THUMBNAIL_SIDE = 256
BUDGET_SECONDS = 0.006
"""Longest time that one look may take, apart from its last row of tiles."""


class Watched(Protocol):
    """What is asked of a document."""

    def thumbnail(self, side: int) -> bytes: ...

    def pixels(self, area: Rect) -> memoryview | bytes: ...

    def settled(self) -> bool: ...


class Watcher:
    """Compares a document with what others have been told of it."""

    def __init__(self, document: Watched, told: canvas_pixels.CanvasPixels) -> None:
        """Begin with everything to be compared.

        Args:
            told: what the others have, BGRA.
        """
        self._document = document
        self._told = told
        self._thumbnail = b""
        self._awaited: list[areas.Area] = []
        self._bands: dict[int, None] = {}  # in the order in which they are looked at
        self._unexplained = False
        self.compare_all()

    @property
    def told(self) -> canvas_pixels.CanvasPixels:
        """The pixels that the others have, BGRA."""
        return self._told

    def compare_all(self) -> None:
        """Something has happened: compare everything, at the next looks."""
        self._unexplained = False
        self._bands.update(dict.fromkeys(bands_of(self._told.height)))

    def put(self, piece: canvases.Piece) -> None:
        """Others have put pixels (BGRA) there, and the document is about to show them."""
        self._awaited.append(self._told.put(piece))

    def look(self, clock: Callable[[], float] = time.perf_counter) -> list[canvases.Piece]:
        """What has been painted since, BGRA, as far as there was time to look."""
        self._look_at_thumbnail()
        if self._awaited and self._document.settled():
            bands = sorted({band for area in self._awaited for band in self._bands_at(area)})
            self._awaited = []
            self._bands.update(dict.fromkeys(bands))
        found: list[canvases.Piece] = []
        end = clock() + BUDGET_SECONDS
        for band in list(self._bands):
            del self._bands[band]
            found += self._compare(band)
            if clock() > end:
                break
        if found:
            self._unexplained = False
        elif self._unexplained and not self._bands:
            self.compare_all()
        return found

    def _look_at_thumbnail(self) -> None:
        now = self._document.thumbnail(THUMBNAIL_SIDE)
        rows = changed_rows(self._thumbnail, now, THUMBNAIL_SIDE)
        self._thumbnail = now
        if rows is None:
            return
        # One row of the thumbnail more at either side, for rounding.
        first = max(0, rows.start - 1) * self._told.height // THUMBNAIL_SIDE
        last = min(THUMBNAIL_SIDE, rows.stop + 1) * self._told.height // THUMBNAIL_SIDE
        area = areas.Area(0, first, self._told.width, max(1, last - first))
        self._bands.update(dict.fromkeys(self._bands_at(area)))
        self._unexplained = True

    def _bands_at(self, area: areas.Area) -> range:
        bands = bands_of(self._told.height)
        return range(area.y // areas.TILE_SIDE, min(bands.stop, (area.bottom - 1) // areas.TILE_SIDE + 1))

    def _compare(self, band: int) -> list[canvases.Piece]:
        area = band_area(band, self._told.width, self._told.height)
        before = self._told.piece(area).picture.pixels
        now = bytes(self._document.pixels(Rect(area.x, area.y, area.width, area.height)))
        changed = differing(area, before, now)
        # Where the document does not yet show what others have painted, it would send back what was there before.
        changed = [part for part in changed if not any(part.common(other) for other in self._awaited)]
        if not changed:
            return []
        shown = canvas_pixels.CanvasPixels(self._told.layer, area.width, area.height)
        shown.put(canvases.Piece(0, 0, pixels.Picture(area.width, area.height, self._told.layer.format, now)))
        pieces = []
        for part in changed:
            picture = shown.piece(areas.Area(part.x - area.x, part.y - area.y, part.width, part.height)).picture
            pieces.append(canvases.Piece(part.x, part.y, picture))
            self._told.put(pieces[-1])
        return pieces
