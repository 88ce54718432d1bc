"""What one client does with canvases: its requests answered, and everything left when it goes."""

from __future__ import annotations

from collections.abc import Callable

from bridge.protocol.canvases import (
    Canvases as CanvasList,
)
from bridge.protocol.canvases import (
    CanvasOpened,
    CanvasPatched,
    CanvasSynced,
    CloseCanvas,
    ListCanvases,
    OpenCanvas,
    PatchCanvas,
    SyncCanvas,
)
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.live import LiveSettings, LiveStatus, SetLive, StopLive, WatchLive
from bridge.protocol.messages import Reply, Request

from .canvases import Canvases, Member, Room
from .live.frame_work import ResolvedSettings
from .live.watching import Watcher
from .outbox import Outbox

Resolve = Callable[[LiveSettings], ResolvedSettings]
"""Finds what settings name. Raises `BridgeError`."""


class CanvasVisits:
    """The canvases that one client has open."""

    def __init__(self, canvases: Canvases, outbox: Outbox, program: str, resolve: Resolve) -> None:
        self._canvases = canvases
        self._resolve = resolve
        self._author = canvases.new_author()
        self._outbox = outbox
        self._program = program
        self._visited: dict[str, tuple[Room, Member]] = {}

    def answer(self, request: Request) -> Reply | None:
        """The reply to a request about canvases; None for a request about something else.

        Nothing is awaited, so that replies stand in the outbox in the order of the changes that they are about.

        Raises:
            BridgeError: `unknown_canvas`, `invalid_field`, `too_many_pixels`.
        """
        if isinstance(request, OpenCanvas):
            return self._open(request)
        if isinstance(request, PatchCanvas):
            return self._patch(request)
        if isinstance(request, SyncCanvas):
            return self._sync(request)
        if isinstance(request, CloseCanvas):
            self._close(request.canvas)
            return CanvasList(request_id=request.request_id, canvases=self._canvases.infos())
        if isinstance(request, ListCanvases):
            return CanvasList(request_id=request.request_id, canvases=self._canvases.infos())
        if isinstance(request, (SetLive, StopLive, WatchLive)):
            return self._live(request)
        return None

    def leave(self) -> None:
        """The client is gone."""
        for name in list(self._visited):
            self._close(name)

    def _open(self, request: OpenCanvas) -> Reply:
        if request.canvas in self._visited:
            room, created = self._visited[request.canvas][0], False
        else:
            member = Member(self._author, self._program, self._outbox)
            room, created = self._canvases.enter(request, member)
            self._visited[request.canvas] = room, member
        return CanvasOpened(request_id=request.request_id, canvas=room.info, created=created)

    def _patch(self, request: PatchCanvas) -> Reply:
        room = self._room(request.canvas)
        change = room.canvas.patch(self._author, request.layer, request.pieces, request.seen)
        room.tell_change(change, request.captured)
        return CanvasPatched(request_id=request.request_id, revision=change.revision)

    def _sync(self, request: SyncCanvas) -> Reply:
        canvas = self._room(request.canvas).canvas
        pixels = canvas.pixels(request.layer)
        differing = pixels.differing(request.row, request.hashes)
        return CanvasSynced(
            request_id=request.request_id,
            revision=canvas.revision,
            pieces=tuple(pixels.piece(area) for area in differing),
        )

    def _live(self, request: SetLive | StopLive | WatchLive) -> Reply:
        live = self._room(request.canvas).live
        if isinstance(request, SetLive):
            live.set(self._resolve(request.settings))
        elif isinstance(request, StopLive):
            live.stop()
        elif request.rate:
            live.watch(self._author, Watcher(self._outbox, request.side, request.rate))
        else:
            live.leave(self._author)
        return LiveStatus(request_id=request.request_id, live=live.info)

    def _close(self, name: str) -> None:
        visited = self._visited.pop(name, None)
        if visited is not None:
            self._canvases.leave(*visited)

    def _room(self, name: str) -> Room:
        if name not in self._visited:
            raise BridgeError(
                ErrorCode.UNKNOWN_CANVAS,
                f"This connection has not opened the canvas {name!r}.",
                hint="Open it first, after every loss of the connection.",
                field="canvas",
            )
        return self._visited[name][0]
