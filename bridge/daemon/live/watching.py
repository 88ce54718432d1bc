"""Who watches a live canvas: the newest frame, as large and as often as wanted, and none waiting behind another."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from bridge.daemon.outbox import Outbox
from bridge.protocol.live import LiveFrame
from bridge.protocol.messages import Message


class Watcher:
    """A member that is sent frames.

    Args:
        side: longest side of its frames in px; 0 for as computed.
        rate: most frames in a second.
    """

    def __init__(self, outbox: Outbox, side: int, rate: float) -> None:
        self.side = side
        self._outbox = outbox
        self._pause = 1 / rate
        self._newest: LiveFrame | None = None
        self._sent: LiveFrame | None = None
        self._not_before = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def offer(self, frame: LiveFrame) -> None:
        """There is a new frame; it is sent when its time has come, unless there is a newer one by then."""
        self._newest = frame
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() >= self._not_before:
            self._put()
        else:
            self._timer = loop.call_at(self._not_before, self._put)

    def close(self) -> None:
        """Send nothing more."""
        if self._timer is not None:
            self._timer.cancel()
        self._newest = None

    def message(self) -> Message | None:
        """The newest frame, as it goes; None when it has gone already or is no longer wanted."""
        frame = self._newest
        if frame is None or frame is self._sent:
            return None
        self._sent = frame
        return replace(frame, stamps=replace(frame.stamps, sent=time.time()))

    def _put(self) -> None:
        self._timer = None
        self._not_before = asyncio.get_running_loop().time() + self._pause
        if self._newest is not None:
            self._outbox.put_last(self)
