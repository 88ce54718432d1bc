"""The canvases of this daemon, and who has them open."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import InitVar, dataclass, field

import structlog

from bridge.protocol.canvases import CanvasInfo, CanvasMembers, OpenCanvas
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.live import LiveChanged, LiveInfo
from bridge.protocol.messages import Limits

from .canvas import Author, Canvas, Change, nbytes_of
from .canvas_feed import LayerFeed
from .live.lane import LiveLane
from .live.run import LiveRun
from .outbox import Outbox

log = structlog.get_logger()

MOST_CANVASES = 64
MOST_BYTES = 4 << 30
"""Memory for the pixels of all canvases."""
GRACE_SECONDS = 60.0
"""How long a canvas stays that nobody has open: programs are restarted, connections are lost."""


@dataclass(eq=False)
class Member:
    """A client that has a canvas open.

    Attributes:
        author: its number.
        program: its name for others.
        outbox: where it is told.
        feeds: what it has still to be told, by layer.
    """

    author: Author
    program: str
    outbox: Outbox
    feeds: dict[str, LayerFeed] = field(default_factory=dict)


@dataclass(eq=False)
class Room:
    """A canvas with its members."""

    canvas: Canvas
    lane: InitVar[LiveLane]
    members: list[Member] = field(default_factory=list)
    ending: asyncio.TimerHandle | None = None
    live: LiveRun = field(init=False)

    def __post_init__(self, lane: LiveLane) -> None:
        self.live = LiveRun(self.canvas, lane, self._tell_live)

    @property
    def info(self) -> CanvasInfo:
        """What is told of it."""
        return self.canvas.info(tuple(member.program for member in self.members))

    def tell_members(self, author: Author) -> None:
        """Tell everybody but one who is there."""
        message = CanvasMembers(canvas=self.canvas.name, members=self.info.members)
        for member in self.members:
            if member.author != author:
                member.outbox.put(message)

    def tell_change(self, change: Change, captured: float = 0.0) -> None:
        """Tell everybody but its author of a change, when it is their turn.

        Args:
            captured: when it was painted, seconds since the epoch; 0 when that is not known.
        """
        self.live.changed(change, captured)
        for member in self.members:
            if member.author == change.author:
                continue
            feed = member.feeds.get(change.layer)
            if feed is None:
                feed = member.feeds[change.layer] = LayerFeed(self.canvas, change.layer, member.author)
            feed.add(change)
            # Behind the replies to this member's own changes, which it must have heard of before it hears of others'.
            member.outbox.put_last(feed)

    def _tell_live(self, info: LiveInfo) -> None:
        message = LiveChanged(canvas=self.canvas.name, live=info)
        for member in self.members:
            member.outbox.put(message)


class Canvases:
    """All canvases. Used from the event loop; a canvas is memory, and goes some time after its last member."""

    def __init__(self, limits: Limits, lane: LiveLane, grace: float = GRACE_SECONDS) -> None:
        self._limits = limits
        self._lane = lane
        self._grace = grace
        self._rooms: dict[str, Room] = {}
        self._numbers = itertools.count(1)

    def new_author(self) -> Author:
        """A number for a client."""
        return next(self._numbers)

    def infos(self) -> tuple[CanvasInfo, ...]:
        """All canvases."""
        return tuple(room.info for room in self._rooms.values())

    def room(self, name: str) -> Room:
        """A canvas. Raises `BridgeError` (`unknown_canvas`)."""
        room = self._rooms.get(name)
        if room is None:
            raise BridgeError(
                ErrorCode.UNKNOWN_CANVAS,
                f"There is no canvas {name!r}.",
                hint="Open it with its width and height to make it.",
                field="canvas",
            )
        return room

    def enter(self, request: OpenCanvas, member: Member) -> tuple[Room, bool]:
        """Let a client in; returns the canvas and whether it is new.

        Raises:
            BridgeError: `unknown_canvas` when there is none and no size is given, `too_many_pixels`,
                `invalid_field` for layers of the same name.
        """
        created = request.canvas not in self._rooms and request.width > 0 and request.height > 0
        room = self._create(request) if created else self.room(request.canvas)
        if room.ending is not None:
            room.ending.cancel()
            room.ending = None
        if member not in room.members:
            room.members.append(member)
            room.tell_members(member.author)
        return room, created

    def leave(self, room: Room, member: Member) -> None:
        """Let a client out."""
        if member not in room.members:
            return
        room.members.remove(member)
        room.live.leave(member.author)
        room.tell_members(member.author)
        if not room.members:
            room.ending = asyncio.get_running_loop().call_later(self._grace, self._end, room)

    async def close(self) -> None:
        """End whatever is going on."""
        for room in self._rooms.values():
            await room.live.close()

    def _end(self, room: Room) -> None:
        self._rooms.pop(room.canvas.name, None)
        room.live.stop()
        log.info("canvas gone", canvas=room.canvas.name)

    def _create(self, request: OpenCanvas) -> Room:
        self._check(request)
        canvas = Canvas(request.canvas, request.width, request.height, request.layers)
        room = self._rooms[canvas.name] = Room(canvas, self._lane)
        log.info("canvas made", canvas=canvas.name, width=canvas.width, height=canvas.height)
        return room

    def _check(self, request: OpenCanvas) -> None:
        names = [layer.name for layer in request.layers]
        if not names or len(set(names)) < len(names):
            raise BridgeError(ErrorCode.INVALID_FIELD, "A canvas needs layers, each of another name.", field="layers")
        if request.width * request.height > self._limits.pixels:
            raise BridgeError(
                ErrorCode.TOO_MANY_PIXELS,
                f"A canvas of {request.width} × {request.height} px is larger than this daemon allows.",
                hint=f"Ask for at most {self._limits.pixels} pixels.",
                field="width",
            )
        taken = sum(room.canvas.nbytes for room in self._rooms.values())
        needed = nbytes_of(request.width, request.height, request.layers)
        if len(self._rooms) >= MOST_CANVASES or taken + needed > MOST_BYTES:
            raise BridgeError(
                ErrorCode.TOO_MANY_PIXELS,
                f"There is no room for another canvas: {len(self._rooms)} are open.",
                hint="Close some in the programs that have them open.",
                field="canvas",
            )
