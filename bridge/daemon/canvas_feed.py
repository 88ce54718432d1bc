"""What a member of a canvas has still to be told of one layer: areas, not pixels, so that it never falls behind."""

from __future__ import annotations

from bridge.protocol.areas import Area, gathered
from bridge.protocol.canvases import MAX_PIECES, CanvasChanged

from .canvas import Author, Canvas, Change


class LayerFeed:
    """Collects changes until their turn to be sent comes; then the pixels that are there are sent."""

    def __init__(self, canvas: Canvas, layer: str, reader: Author) -> None:
        self._canvas = canvas
        self._layer = layer
        self._reader = reader
        self._areas: list[Area] = []
        self._lost = False

    def add(self, change: Change) -> None:
        """Remember a change."""
        self._areas = gathered([*self._areas, *change.areas])
        if len(self._areas) > MAX_PIECES:
            whole = self._areas[0]
            for area in self._areas:
                whole = whole.around(area)
            self._areas = [whole]
        self._lost |= self._reader in change.losers

    def message(self) -> CanvasChanged:
        """Everything remembered, as it is now."""
        pixels = self._canvas.pixels(self._layer)
        areas, lost = self._areas, self._lost
        self._areas, self._lost = [], False
        return CanvasChanged(
            canvas=self._canvas.name,
            layer=self._layer,
            revision=self._canvas.revision,
            pieces=tuple(pixels.piece(area) for area in areas),
            lost=lost,
        )
