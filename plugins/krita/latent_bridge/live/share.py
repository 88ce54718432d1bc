# SPDX-License-Identifier: GPL-3.0-or-later
"""One document and its canvas: what is painted here goes there, what others paint comes here."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..request import Rect
from ..vendored import areas, canvas_pixels, canvases, pixels
from .tiles import band_area, bands_of, swapped
from .watcher import Watcher
from .wishes import MASK

if TYPE_CHECKING:  # so that this runs outside Krita too
    from ..host import OpenDocument

IMAGE = "image"
"""Name of the canvas's layer that is the picture."""
LAYERS = (
    canvases.CanvasLayer(IMAGE, format=pixels.PixelFormat.RGBA8),
    canvases.CanvasLayer(MASK, role="mask", format=pixels.PixelFormat.GRAY8),
)
"""What a canvas of a document has. RGBA, since that is what all programs agree on."""
OTHERS = "[shared] what others painted"
"""Name of the layer for what others paint on a document that was made here."""


TAKE_SECONDS = 0.04
"""Shortest time between two takings of what others painted, per 1024 × 1024 px of the picture: Krita shows them by
drawing the whole picture anew."""


class Share:
    """A document that is shared. Main thread only.

    Attributes:
        document: the document.
        canvas: the open canvas of the bridge's client, of the same size.
        stays: whether it goes on being shared when live generation ends.
        layer: id of the layer that takes what others paint; empty while there is none.
    """

    def __init__(
        self,
        document: OpenDocument,
        canvas: Any,
        told: canvas_pixels.CanvasPixels,
        *,
        stays: bool,
        layer: str = "",
    ) -> None:
        self.document = document
        self.canvas = canvas
        self.stays = stays
        self.layer = layer
        self._watcher = Watcher(document, told)
        self._next_take = 0.0
        self._news: deque[areas.Area] = deque()
        self._masked: Rect | None = None
        canvas.on_change = self._changed

    @property
    def masks(self) -> bool:
        """Whether its canvas can hold a selection."""
        return any(layer.name == MASK and layer.format.value == "gray8" for layer in self.canvas.layers)

    @property
    def fits(self) -> bool:
        """Whether document and canvas still have the same size."""
        whole = self.document.canvas
        return (whole.width, whole.height) == (self.canvas.width, self.canvas.height)

    def told(self, area: Rect | areas.Area) -> bytes:
        """The pixels of an area as the canvas has them, BGRA."""
        where = areas.Area(area.x, area.y, area.width, area.height)
        return bytes(self._watcher.told.piece(where).picture.pixels)

    def compare_all(self) -> None:
        """A stroke has ended, or the like."""
        self._watcher.compare_all()

    def tick(self) -> None:
        """Send what was painted here, then take what others painted."""
        self._send(self._watcher.look())
        now = time.monotonic()
        if self._news and now >= self._next_take:
            self._next_take = now + TAKE_SECONDS * self.canvas.width * self.canvas.height / 2**20
            self._take()

    def _send(self, pieces: list[canvases.Piece]) -> None:
        captured = time.time()
        converted = [(piece.x, piece.y, _as_rgba(piece.picture)) for piece in pieces]
        for start in range(0, len(converted), canvases.MAX_PIECES):
            self.canvas.patch_all(converted[start : start + canvases.MAX_PIECES], IMAGE, captured=captured)

    def _changed(self, _canvas: Any, layer: str, where: tuple[areas.Area, ...], _lost: bool) -> None:
        """The client's thread: others have painted."""
        if layer == IMAGE:
            self._news.extend(where)

    def _take(self) -> None:
        news = []
        while self._news:
            news.append(self._news.popleft())
        painted = []
        for area in areas.gathered(news):
            data = swapped(bytes(self.canvas.read(area, IMAGE).pixels))
            if data == self.told(area):
                continue
            picture = pixels.Picture(area.width, area.height, pixels.PixelFormat.BGRA8, data)
            self._watcher.put(canvases.Piece(area.x, area.y, picture))
            painted.append((Rect(area.x, area.y, area.width, area.height), data))
        if not painted:
            return
        if not self.document.has_layer(self.layer):
            place, data = painted[0]
            self.layer = self.document.add_layer(OTHERS, place, data)
        self.document.paint_layer(self.layer, painted)

    def mask(self, selection: Rect | None) -> Rect | None:
        """Make the canvas's mask what is selected; returns the bounds of that inside the picture."""
        whole = self.document.canvas
        inside = selection.clipped(whole) if selection is not None else None
        if inside is None or inside.empty:
            return None
        if self.masks:
            pieces = []
            if self._masked is not None and self._masked != inside:
                pieces.append((self._masked, bytes(self._masked.width * self._masked.height)))
            pieces.append((inside, self.document.mask(inside)))
            self._masked = inside
            pictures = [
                (at.x, at.y, pixels.Picture(at.width, at.height, pixels.PixelFormat.GRAY8, data)) for at, data in pieces
            ]
            self.canvas.patch_all(pictures, MASK)
        return inside

    def close(self) -> None:
        """Share it no longer."""
        self.canvas.on_change = None
        self.canvas.close()


def told_of(canvas: Any) -> canvas_pixels.CanvasPixels:
    """The pixels of a canvas, BGRA. For the background: it takes a moment where the canvas is large."""
    layer = canvases.CanvasLayer(IMAGE, format=pixels.PixelFormat.BGRA8)
    told = canvas_pixels.CanvasPixels(layer, canvas.width, canvas.height)
    for band in bands_of(canvas.height):
        area = band_area(band, canvas.width, canvas.height)
        data = swapped(bytes(canvas.read(area, IMAGE).pixels))
        told.put(canvases.Piece(0, area.y, pixels.Picture(area.width, area.height, layer.format, data)))
    return told


def title_of(title: str, taken: Callable[[str], bool]) -> str:
    """A name for the canvas of a document that no other canvas has."""
    name = f"krita: {title or 'Unnamed'}"[:120]
    number = 2
    wanted = name
    while taken(wanted):
        wanted, number = f"{name} {number}", number + 1
    return wanted


def _as_rgba(picture: pixels.Picture) -> pixels.Picture:
    data = swapped(bytes(picture.pixels))
    return pixels.Picture(picture.width, picture.height, pixels.PixelFormat.RGBA8, data)
