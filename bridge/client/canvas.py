"""A canvas that this program shares with others through the daemon. It outlives losses of the connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from bridge.protocol.areas import Area
from bridge.protocol.canvases import (
    CanvasChanged,
    CanvasEvent,
    CanvasLayer,
    CanvasMembers,
    CanvasOpened,
    CanvasPatched,
    CanvasSynced,
    CloseCanvas,
    OpenCanvas,
    PatchCanvas,
    Piece,
    SyncCanvas,
)
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.live import LiveChanged, LiveFrame
from bridge.protocol.messages import Error, Reply, Request
from bridge.protocol.pixels import Picture

from .images import ImageLike, as_picture
from .live import CanvasLive
from .mirror import Mirror, Pending

Ask = Callable[[Request, Callable[[Reply], None]], None]
OnChange = Callable[["Canvas", str, tuple[Area, ...], bool], None]
"""Called with the canvas, the layer that others changed, where, and whether that replaced changes of this program that
the others had not seen. On the client's background thread."""


class Canvas:
    """A canvas that is open. Made by `Bridge.open_canvas`; every method may be called from any thread.

    What is read and written is a copy of this program's own, so nothing waits for the network. Without a connection the
    work goes on; when it is back, both sides compare what they have and send only what differs.
    """

    def __init__(
        self, wanted: OpenCanvas, ask: Ask, post: Callable[[Callable[[], None]], bool], next_id: Callable[[], int]
    ) -> None:
        self.name = wanted.canvas
        self.error: BridgeError | None = None
        """Why the daemon refused the canvas, or the newest change that it has answered; None when all is well."""
        self.members: tuple[str, ...] = ()
        """Programs that have it open, this one among them."""
        self.on_change: OnChange | None = None
        self.live = CanvasLive(wanted.canvas, ask, post, next_id)
        """What a model makes of it while it is painted."""
        self._wanted = wanted
        self._ask = ask
        self._post = post
        self._next_id = next_id
        self._state = threading.Condition()
        self._mirror: Mirror | None = None
        self._unsynced = 1  # rows that are being compared; the first opening counts as one
        self._connected = False
        self._closed = False

    # Any thread.

    @property
    def width(self) -> int:
        """Width in pixels; another program may have chosen it."""
        return self._known().info.width

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self._known().info.height

    @property
    def layers(self) -> tuple[CanvasLayer, ...]:
        """Its layers, the lowest first."""
        return self._known().info.layers

    @property
    def revision(self) -> int:
        """Newest change of the daemon's that is known here."""
        return self._known().revision

    def patch(self, x: int, y: int, image: ImageLike, layer: str = "image") -> None:
        """Put pixels of the layer's format with their top left corner at (x, y), and tell the others.

        Raises:
            BridgeError: `invalid_field` for what does not fit; `unknown_canvas` once it is closed.
        """
        self.patch_all([(x, y, image)], layer)

    def patch_all(
        self, pieces: Iterable[tuple[int, int, ImageLike]], layer: str = "image", *, captured: float | None = None
    ) -> None:
        """Several pieces as one change; see `patch`.

        Args:
            captured: when they were painted, seconds since the epoch; None for now.
        """
        # A copy, so that the caller may paint on at once.
        copies = [Piece(x, y, _copied(as_picture(image))) for x, y, image in pieces]
        with self._state:
            change = self._known().patch(layer, copies, time.time() if captured is None else captured)
            self._post(lambda: self._send(change))  # in the order in which they were made

    def read(self, area: Area | None = None, layer: str = "image") -> Picture:
        """A copy of the pixels as they are here; of all of them without an area."""
        with self._state:
            pixels = self._known().pixels(layer)
            wanted = area or pixels.everything
            if not wanted.within(pixels.width, pixels.height):
                raise BridgeError(ErrorCode.INVALID_FIELD, f"{wanted} is not on the canvas.", field="area")
            return pixels.piece(wanted).picture

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until the daemon has answered every change and comparison; returns whether it has."""
        with self._state:
            return self._state.wait_for(lambda: self._is_settled() or self._closed, timeout) and self._is_settled()

    def close(self) -> None:
        """Have nothing more to do with it. For others it stays."""
        with self._state:
            self._closed = True
            self._state.notify_all()
        self._post(self._send_close)

    def _known(self) -> Mirror:
        if self._closed or self._mirror is None:
            raise self.error or BridgeError(ErrorCode.UNKNOWN_CANVAS, f"The canvas {self.name} is closed.")
        return self._mirror

    def _is_settled(self) -> bool:
        return self._connected and self._unsynced == 0 and self._mirror is not None and not self._mirror.pending

    # The work thread.

    @property
    def closed(self) -> bool:
        """Whether `close` was called, or the daemon refused the canvas."""
        return self._closed

    def opened(self) -> None:
        """There is a new connection, which knows nothing of this canvas."""
        with self._state:
            self._unsynced = 1
        info = self._mirror.info if self._mirror is not None else None
        request = OpenCanvas(
            request_id=self._next_id(),
            canvas=self.name,
            width=info.width if info else self._wanted.width,
            height=info.height if info else self._wanted.height,
            layers=info.layers if info else self._wanted.layers,
        )
        self._ask(request, self._entered)

    def lost(self) -> None:
        """The connection is gone."""
        with self._state:
            self._connected = False
        self.live.lost()

    def received(self, event: CanvasEvent) -> None:
        """The daemon told of something."""
        if isinstance(event, CanvasMembers):
            self.members = event.members
        elif isinstance(event, CanvasChanged) and self._mirror is not None:
            with self._state:
                areas = self._mirror.changed(event)
            self._tell(event.layer, areas, event.lost)
        elif isinstance(event, (LiveFrame, LiveChanged)):
            self.live.received(event)

    def _entered(self, reply: Reply) -> None:
        if not isinstance(reply, CanvasOpened):
            self.refuse(_problem(reply))
            return
        self.members = reply.canvas.members
        mirror, former = self._mirror or Mirror(reply.canvas), self._mirror
        if not mirror.fits(reply.canvas):
            problem = f"The canvas {self.name} was made anew with another size or other layers."
            self.refuse(BridgeError(ErrorCode.UNKNOWN_CANVAS, problem, hint="Open it again."))
            return
        with self._state:
            self._mirror = mirror
            self._connected = True
        if reply.created:
            if former is not None:
                self._send_everything(former)
        else:
            for change in mirror.pending:
                self._send(change)
            for layer in mirror.info.layers:
                self._compare(layer.name)
        self._compared()
        self.live.opened()

    def _send(self, change: Pending) -> None:
        if not self._connected:
            return  # it is sent, or seen to differ, when there is a connection again
        request = PatchCanvas(
            request_id=self._next_id(),
            canvas=self.name,
            layer=change.layer,
            pieces=change.pieces,
            seen=change.seen,
            captured=change.captured,
        )
        self._ask(request, lambda reply: self._answered(change, reply))

    def _answered(self, change: Pending, reply: Reply) -> None:
        mirror = self._known_here()
        with self._state:
            mirror.answered(change.number, reply.revision if isinstance(reply, CanvasPatched) else 0)
            self.error = None if isinstance(reply, CanvasPatched) else _problem(reply)
            self._unsynced += self.error is not None
            self._state.notify_all()
        if self.error is not None:
            self._compare(change.layer)  # what it should have changed is here and not there
            self._compared()

    def _send_everything(self, mirror: Mirror) -> None:
        """The daemon is another one and has nothing: give it all, pending changes included."""
        with self._state:
            for change in mirror.pending:
                mirror.answered(change.number)
            changes = [
                mirror.patch(layer.name, [mirror.pixels(layer.name).piece(_row(blocks))])
                for layer in mirror.info.layers
                for blocks in map(mirror.pixels(layer.name).blocks, range(mirror.pixels(layer.name).block_rows()))
            ]
        for change in changes:
            self._send(change)

    def _compare(self, layer: str) -> None:
        pixels = self._known_here().pixels(layer)
        for row in range(pixels.block_rows()):
            with self._state:
                self._unsynced += 1
                hashes = pixels.hashes(row)
            request = SyncCanvas(request_id=self._next_id(), canvas=self.name, layer=layer, row=row, hashes=hashes)
            self._ask(request, lambda reply: self._synced(layer, reply))

    def _synced(self, layer: str, reply: Reply) -> None:
        if isinstance(reply, CanvasSynced):
            with self._state:
                areas = self._known_here().synced(layer, reply)
            if areas:
                self._tell(layer, areas, lost=False)
        else:
            self.error = _problem(reply)
        self._compared()

    def _compared(self) -> None:
        with self._state:
            self._unsynced -= 1
            self._state.notify_all()

    def _tell(self, layer: str, areas: tuple[Area, ...], lost: bool) -> None:
        with self._state:
            self._state.notify_all()
        if self.on_change is not None:
            self.on_change(self, layer, areas, lost)

    def _send_close(self) -> None:
        if self._connected:
            self._ask(CloseCanvas(request_id=self._next_id(), canvas=self.name), lambda reply: None)

    def refuse(self, error: BridgeError) -> None:
        """There is no such canvas for this program."""
        with self._state:
            self.error = error
            self._closed = True
            self._state.notify_all()

    def _known_here(self) -> Mirror:
        if self._mirror is None:
            raise ValueError("the daemon has not opened the canvas yet")
        return self._mirror


def _copied(picture: Picture) -> Picture:
    if isinstance(picture.pixels, bytes):
        return picture
    return Picture(picture.width, picture.height, picture.format, bytes(picture.pixels), picture.colour_space)


def _row(blocks: list[Area]) -> Area:
    return blocks[0].around(blocks[-1])


def _problem(reply: Reply) -> BridgeError:
    if isinstance(reply, Error):
        return reply.error.raised()
    return BridgeError(ErrorCode.UNEXPECTED_MESSAGE, f"The daemon answered with `{reply.type}`.")
