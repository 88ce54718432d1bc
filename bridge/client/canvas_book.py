"""The canvases that a client has open, by name. Runs on the work thread."""

from __future__ import annotations

from bridge.protocol.canvases import CanvasEvent
from bridge.protocol.errors import BridgeError, ErrorCode

from .canvas import Canvas


class CanvasBook:
    """Opens every canvas again on a new connection, and passes on what the daemon tells."""

    def __init__(self) -> None:
        self._canvases: dict[str, Canvas] = {}
        self._open = False

    def add(self, canvas: Canvas) -> None:
        """Take a new canvas; it is refused when there is one of this name."""
        former = self._canvases.get(canvas.name)
        if former is not None and not former.closed:
            problem = f"This program has the canvas {canvas.name} open already."
            canvas.refuse(BridgeError(ErrorCode.INVALID_FIELD, problem, hint="Close it first.", field="name"))
            return
        self._canvases[canvas.name] = canvas
        if self._open:
            canvas.opened()

    def opened(self) -> None:
        """There is a new connection."""
        self._open = True
        self._canvases = {name: canvas for name, canvas in self._canvases.items() if not canvas.closed}
        for canvas in self._canvases.values():
            canvas.opened()

    def lost(self) -> None:
        """The connection is gone."""
        self._open = False
        for canvas in self._canvases.values():
            canvas.lost()

    def received(self, event: CanvasEvent) -> None:
        """Pass an event on to its canvas."""
        canvas = self._canvases.get(event.canvas)
        if canvas is not None and not canvas.closed:
            canvas.received(event)
