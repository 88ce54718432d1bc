"""Live generation on a canvas, as this program takes part in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bridge.protocol.errors import BridgeError
from bridge.protocol.live import (
    LiveChanged,
    LiveFrame,
    LiveInfo,
    LiveSettings,
    LiveStatus,
    SetLive,
    StopLive,
    WatchLive,
)
from bridge.protocol.messages import Error, Reply, Request

Ask = Callable[[Request, Callable[[Reply], None]], None]
OnFrame = Callable[[LiveFrame], None]
OnInfo = Callable[[LiveInfo], None]


class CanvasLive:
    """`Canvas.live`. Every method may be called from any thread and returns at once.

    Whoever has the canvas open may begin, change and end it. What this program asked for is asked for again after a
    loss of the connection.
    """

    def __init__(
        self, canvas: str, ask: Ask, post: Callable[[Callable[[], None]], bool], next_id: Callable[[], int]
    ) -> None:
        self.info = LiveInfo()
        """Where it stands, as far as is known here."""
        self.error: BridgeError | None = None
        """Why the daemon refused the last settings; None when it did not."""
        self.on_frame: OnFrame | None = None
        """Called with every frame, on the client's background thread."""
        self.on_info: OnInfo | None = None
        """Called when `info` or `error` has changed, likewise."""
        self._canvas = canvas
        self._ask = ask
        self._post = post
        self._next_id = next_id
        self._wanted: LiveSettings | None = None
        self._watching: tuple[int, float] | None = None
        self._connected = False

    # Any thread.

    def start(self, settings: LiveSettings | None = None, **changes: Any) -> None:
        """Begin, or go on with other settings.

        Args:
            settings: all of them; None for those that are in force.
            changes: fields of `LiveSettings` that are to be different.

        What the daemon does not accept is told in `error`.
        """
        former = settings or self._wanted or self.info.settings or LiveSettings()
        self._wanted = replace(former, **changes)
        self._post(self._send_settings)

    def stop(self) -> None:
        """End it, for everybody."""
        self._wanted = None
        self._post(lambda: self._send(StopLive(request_id=self._next_id(), canvas=self._canvas), self._answered))

    def watch(self, side: int = 0, rate: float = 60.0) -> None:
        """Be sent frames.

        Args:
            side: longest side in pixels; larger ones are made smaller before they are sent. 0: as computed.
            rate: most frames in a second.
        """
        self._watching = side, rate
        self._post(self._send_watch)

    def unwatch(self) -> None:
        """Be sent none any more. Nothing is computed when nobody watches."""
        self._watching = None
        self._post(self._send_watch)

    # The work thread.

    def opened(self) -> None:
        """The canvas is open at the daemon, which may be a new one."""
        self._connected = True
        if self._watching is not None:
            self._send_watch()
        if self._wanted is not None:
            self._send_settings()

    def lost(self) -> None:
        """The connection is gone."""
        self._connected = False

    def received(self, event: LiveFrame | LiveChanged) -> None:
        """The daemon told of something."""
        if isinstance(event, LiveChanged):
            if event.live.state == "off":
                self._wanted = None  # somebody has ended it
            self._learnt(event.live)
        elif self.on_frame is not None:
            self.on_frame(event)

    def _send_settings(self) -> None:
        if self._wanted is not None:
            request = SetLive(request_id=self._next_id(), canvas=self._canvas, settings=self._wanted)
            self._send(request, self._answered)

    def _send_watch(self) -> None:
        side, rate = self._watching or (0, 0.0)
        self._send(WatchLive(request_id=self._next_id(), canvas=self._canvas, side=side, rate=rate), self._answered)

    def _send(self, request: Request, answered: Callable[[Reply], None]) -> None:
        if self._connected:
            self._ask(request, answered)

    def _answered(self, reply: Reply) -> None:
        if isinstance(reply, LiveStatus):
            self._learnt(reply.live)
        elif isinstance(reply, Error):
            self.error = reply.error.raised()
            if self.on_info is not None:
                self.on_info(self.info)

    def _learnt(self, info: LiveInfo) -> None:
        changed = info != self.info or self.error is not None
        self.info, self.error = info, None
        if changed and self.on_info is not None:
            self.on_info(info)
