"""The engine's turn: frames of all live canvases, one at a time, beside the job that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bridge.daemon.engine import Engine, EngineDied
from bridge.protocol.engine_link import Ended, Framed, Progressed, Tick
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture
from bridge.protocol.shared_pixels import SharedPicture, SharedPixels

log = structlog.get_logger()

ATTEMPTS = 2
"""How often a frame is begun before an engine that dies under it makes it fail."""


class LiveLane:
    """Has frames made.

    Args:
        shared: where pixels lie on their way to and from the engine.
        lent: tells for how many seconds the device is still lent to another program.
        busy: called before every frame, so that nobody puts the models away meanwhile.
    """

    def __init__(
        self, engine: Engine, shared: SharedPixels, lent: Callable[[], float], busy: Callable[[], None]
    ) -> None:
        self._engine = engine
        self.shared = shared
        self.lent = lent
        self._busy = busy
        self._turn = asyncio.Lock()

    async def make(self, order: Callable[[], Tick | None], on_loading: Callable[[], None]) -> Framed | None:
        """Make a frame; None when it was given up.

        Args:
            order: called when it is this frame's turn, so that it shows what is newest then; None gives it up.
            on_loading: called when its model has to be loaded first.

        Raises:
            BridgeError: why it cannot be made.
        """
        async with self._turn:
            for attempt in range(1, ATTEMPTS + 1):
                if self._engine.status.state not in ("ready", "busy"):
                    await self._engine.wait_ready()
                self._busy()
                tick = order()
                if tick is None:
                    return None
                try:
                    return await self._make(tick, on_loading)
                except EngineDied as death:
                    log.warning("engine died under a live frame", attempt=attempt, reason=str(death))
        raise BridgeError(
            ErrorCode.ENGINE_CRASHED,
            f"The engine crashed {ATTEMPTS} times on a live frame.",
            hint="Try another model; the engine's log may tell more.",
        )

    def give_up(self, frame_id: str) -> None:
        """Stop a frame within one step."""
        self._engine.abort(frame_id)

    def forget(self, *pictures: Picture) -> None:
        """Remove the shared files of pictures that nobody else will open."""
        for picture in pictures:
            if isinstance(picture, SharedPicture):
                self.shared.remove(picture.name)

    async def _make(self, tick: Tick, on_loading: Callable[[], None]) -> Framed | None:
        framed: Framed | None = None
        async for message in self._engine.run(tick):
            if isinstance(message, Progressed):
                on_loading()
            elif isinstance(message, Framed):
                framed = message
                self.forget(*message.pictures)  # views of them stay valid
            elif isinstance(message, Ended) and message.error is not None:
                raise message.error.raised()
        return framed
