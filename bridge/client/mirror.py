"""A client's copy of a canvas, which agrees with the daemon's in the end whatever happens in between. Pure.

What this client changes is here at once and counts as pending until the daemon has answered. What others changed is
put below the pending changes, because the daemon will put those on top: whatever arrives there last wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.protocol.areas import Area
from bridge.protocol.canvas_pixels import CanvasPixels
from bridge.protocol.canvases import CanvasChanged, CanvasInfo, CanvasSynced, Piece
from bridge.protocol.errors import BridgeError, ErrorCode


@dataclass(frozen=True)
class Pending:
    """A change of this client's that the daemon has not answered yet.

    Attributes:
        number: counts them.
        layer: name of the layer.
        pieces: what it put where.
        areas: where.
        seen: newest revision that was here then.
        captured: when it was painted, seconds since the epoch; 0 for no matter.
    """

    number: int
    layer: str
    pieces: tuple[Piece, ...]
    areas: tuple[Area, ...]
    seen: int
    captured: float = 0.0


class Mirror:
    """The pixels of all layers.

    Attributes:
        info: the canvas, as the daemon described it last.
        revision: the newest change of the daemon's that is in here.
    """

    def __init__(self, info: CanvasInfo) -> None:
        self.info = info
        self.revision = 0
        self._layers = {layer.name: CanvasPixels(layer, info.width, info.height) for layer in info.layers}
        self._pending: dict[int, Pending] = {}
        self._count = 0

    def pixels(self, layer: str) -> CanvasPixels:
        """A layer. Raises `BridgeError` (`invalid_field`) when there is none of this name."""
        if layer not in self._layers:
            raise BridgeError(
                ErrorCode.INVALID_FIELD,
                f"The canvas {self.info.name} has no layer {layer!r}.",
                hint=f"It has {', '.join(self._layers)}.",
                field="layer",
            )
        return self._layers[layer]

    def fits(self, info: CanvasInfo) -> bool:
        """Whether a canvas that was found again is still of this size and these layers."""
        return (info.width, info.height, info.layers) == (self.info.width, self.info.height, self.info.layers)

    @property
    def pending(self) -> list[Pending]:
        """The changes that the daemon has not answered, oldest first."""
        return list(self._pending.values())

    def patch(self, layer: str, pieces: Sequence[Piece], captured: float = 0.0) -> Pending:
        """Change a layer. Raises `BridgeError` (`invalid_field`); then nothing is changed."""
        pixels = self.pixels(layer)
        areas = tuple(pixels.area_of(piece) for piece in pieces)
        for piece in pieces:
            pixels.put(piece)
        self._count += 1
        change = Pending(self._count, layer, tuple(pieces), areas, self.revision, captured)
        self._pending[self._count] = change
        return change

    def answered(self, number: int, revision: int = 0) -> None:
        """The daemon has made a change of ours, or refused it (revision 0)."""
        self._pending.pop(number, None)
        self.revision = max(self.revision, revision)

    def changed(self, event: CanvasChanged) -> tuple[Area, ...]:
        """Others have changed a layer; returns where."""
        return self._take(event.layer, event.pieces, event.revision)

    def synced(self, layer: str, reply: CanvasSynced) -> tuple[Area, ...]:
        """The daemon has sent the blocks of a row that differ; returns where."""
        return self._take(layer, reply.pieces, reply.revision)

    def _take(self, layer: str, pieces: Sequence[Piece], revision: int) -> tuple[Area, ...]:
        pixels = self.pixels(layer)
        areas = tuple(pixels.put(piece) for piece in pieces)
        uncovered = list(areas)
        for change in self._pending.values():
            if change.layer == layer and any(one.common(other) for one in change.areas for other in uncovered):
                for piece in change.pieces:
                    pixels.put(piece)
                # It may now lie over a later change that the others' does not reach.
                uncovered += change.areas
        self.revision = max(self.revision, revision)
        return areas
