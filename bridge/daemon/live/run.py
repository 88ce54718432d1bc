"""The live generation of one canvas: always the newest revision, a draft while it changes, then one at full quality."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from bridge.daemon.canvas import Author, Canvas, Change
from bridge.protocol.areas import Area
from bridge.protocol.engine_link import Framed, Tick
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.live import LiveFrame, LiveInfo, LiveSettings, LiveState
from bridge.protocol.messages import ErrorInfo

from .frame_work import ResolvedSettings, area_of, mask_of
from .lane import LiveLane
from .pace import PEN_RESTS, FrameSize, Pace, worth_giving_up
from .watching import Watcher

log = structlog.get_logger()


@dataclass(frozen=True)
class Newest:
    """The newest change of what is looked at.

    Attributes:
        captured: by the clock of the client that made it, seconds since the epoch.
        received: by ours.
        at: by the loop's.
    """

    captured: float = 0.0
    received: float = 0.0
    at: float = 0.0


@dataclass
class FrameInWork:
    """A frame that the engine has, or will have in its turn.

    Attributes:
        frame_id: for the engine.
        full: whether it is made because the pen rests, and given up for any draft.
        complete: whether it is at full quality, as drafts are where a device is quick enough.
        size: that it is computed at.
        began: when its turn came, by the loop's clock; 0 before.
        given_up: whether it was.
        newest: change that is in it.
        revision: of the canvas that it shows.
        sides: longest sides of the pictures wanted.
    """

    frame_id: str
    full: bool
    complete: bool
    size: FrameSize
    began: float = 0.0
    given_up: bool = False
    newest: Newest = Newest()
    revision: int = 0
    sides: tuple[int, ...] = (0,)


class LiveRun:
    """Live generation of a canvas. Used from the event loop.

    Args:
        tell: told where it stands whenever that changes.
    """

    def __init__(self, canvas: Canvas, lane: LiveLane, tell: Callable[[LiveInfo], None]) -> None:
        self.info = LiveInfo()
        self._canvas = canvas
        self._lane = lane
        self._tell = tell
        self._resolved: ResolvedSettings | None = None
        self._pace: Pace | None = None
        self._area: Area | None = None
        self._watchers: dict[Author, Watcher] = {}
        self._last: LiveFrame | None = None
        self._numbers = itertools.count(1)
        self._given_up = 0
        self._work: FrameInWork | None = None
        self._stale = False
        self._full_missing = False
        self._gave_up_last = False
        self._newest = Newest()
        self._pen_rests: asyncio.TimerHandle | None = None
        self._something = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None

    def set(self, resolved: ResolvedSettings) -> None:
        """Begin, or go on with other settings."""
        former, self._resolved = self._resolved, resolved
        try:
            area = area_of(self._canvas, resolved.settings)
        except BridgeError as error:
            self._area = None
            self._pause(error)
            return
        if former is None or former.model != resolved.model or self._area != area:
            self._pace = Pace(resolved.model, area.width, area.height)
        self._area = area
        now = time.time()
        self._outdated(Newest(now, now, self._now()))
        self._say("waiting")
        if self._loop_task is None:
            self._loop_task = asyncio.create_task(self._run(), name=f"live {self._canvas.name}")
            self._loop_task.add_done_callback(self._loop_ended)

    def stop(self) -> None:
        """End it."""
        self._resolved = self._pace = self._area = self._last = None
        self._give_up()
        self._something.set()
        self._say("off")

    async def close(self) -> None:
        """End it at once, without a word."""
        if self._pen_rests is not None:
            self._pen_rests.cancel()
        if self._loop_task is not None:
            self._loop_task.cancel()
            await asyncio.gather(self._loop_task, return_exceptions=True)

    def watch(self, author: Author, watcher: Watcher) -> None:
        """Send a member frames, beginning with the one that there is."""
        self.leave(author)
        self._watchers[author] = watcher
        if self._last is not None and not watcher.side:
            watcher.offer(self._last)
        else:
            self._outdated(self._newest)

    def leave(self, author: Author) -> None:
        """Send a member none any more."""
        watcher = self._watchers.pop(author, None)
        if watcher is not None:
            watcher.close()
        if not self._watchers:
            self._give_up()

    def changed(self, change: Change, captured: float) -> None:
        """The canvas was changed. Work that shows what was there before is given up where that is worth it."""
        settings = self._settings
        if settings is None or self._area is None or change.layer not in (settings.layer, settings.mask):
            return
        if self.info.reason is not None and change.layer == settings.mask:
            self._say("waiting")  # it may have been paused for an empty mask
        if any(area.common(self._area) for area in change.areas):
            self._outdated(Newest(captured, time.time(), self._now()))

    def _outdated(self, newest: Newest) -> None:
        self._newest = newest
        self._stale = self._full_missing = True
        if self._work is not None and self._work.full:
            self._give_up()  # a new draft always goes before
        if self._pen_rests is not None:
            self._pen_rests.cancel()
        self._pen_rests = asyncio.get_running_loop().call_later(PEN_RESTS, self._give_up_if_worth_it)
        self._something.set()

    def _give_up_if_worth_it(self) -> None:
        """The pen rests: what is being made of an older revision may not be worth finishing."""
        work, pace, resolved = self._work, self._pace, self._resolved
        if work is None or pace is None or resolved is None or not work.began or not self._stale:
            return
        expected = pace.expected_seconds(work.size)
        done = (self._now() - work.began) / expected if expected else 1.0
        steps = resolved.denoised_steps(full=work.full)
        if worth_giving_up(done, steps, gave_up_last=self._gave_up_last):
            self._give_up()

    def _give_up(self) -> None:
        if self._work is not None and not self._work.given_up:
            self._work.given_up = True
            self._given_up += 1
            self._lane.give_up(self._work.frame_id)

    async def _run(self) -> None:
        while (resolved := self._resolved) is not None:
            self._something.clear()
            area, pace = self._area, self._pace
            if self.info.reason is not None or area is None or pace is None:
                await self._something.wait()
            elif not self._watchers:
                self._say("waiting")
                await self._something.wait()
            elif lent := self._lane.lent():
                await self._while_lent(lent)
            elif self._stale:
                await self._make(resolved, area, pace, full=False)
            elif self._full_missing and resolved.settings.full:
                await self._rest(resolved, area, pace)
            else:
                self._say("waiting")
                await self._something.wait()

    def _loop_ended(self, task: asyncio.Task[None]) -> None:
        self._loop_task = None
        if task.cancelled():
            return
        if (problem := task.exception()) is not None:
            log.error("live ended unexpectedly", canvas=self._canvas.name, exc_info=problem)
            self._resolved = None
            self._pause(BridgeError(ErrorCode.INTERNAL, f"Live ended unexpectedly: {problem}", hint="Start it again."))
        elif self._resolved is not None:
            self.set(self._resolved)  # begun again while it was ending

    async def _while_lent(self, seconds: float) -> None:
        self._say("waiting")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._something.wait(), min(seconds, 1.0))

    async def _rest(self, resolved: ResolvedSettings, area: Area, pace: Pace) -> None:
        """Wait whether somebody paints on, and if nobody does make a frame at full quality."""
        due = self._newest.at + resolved.settings.rest_seconds
        try:
            await asyncio.wait_for(self._something.wait(), max(0.0, due - self._now()))
        except TimeoutError:
            await self._make(resolved, area, pace, full=True)

    async def _make(self, resolved: ResolvedSettings, area: Area, pace: Pace, *, full: bool) -> None:
        size = pace.full if full else pace.draft(resolved.settings.draft_seconds)
        complete = full or (size == pace.full and _same_steps(resolved))
        work = self._work = FrameInWork(f"live-{uuid.uuid4().hex[:16]}", full, complete, size)
        loading: list[bool] = []

        def on_loading() -> None:
            loading.append(True)
            self._say("loading")

        try:
            framed = await self._lane.make(lambda: self._order(resolved, area, work), on_loading)
            if framed is not None and not work.given_up:
                self._learn(framed, work, pace, loaded=bool(loading))
                self._show(framed, area, work)
        except BridgeError as error:
            self._pause(error)
        finally:
            self._gave_up_last = work.given_up and not full
            self._work = None

    def _order(self, resolved: ResolvedSettings, area: Area, work: FrameInWork) -> Tick | None:
        """The canvas as it is now, on its way to the engine; None when another frame was wanted meanwhile."""
        if work.given_up or self._resolved is not resolved:
            return None
        settings, canvas = resolved.settings, self._canvas
        work.began = self._now()
        work.newest, work.revision = self._newest, canvas.revision
        work.sides = tuple(sorted({watcher.side for watcher in self._watchers.values()})) or (0,)
        self._stale = False
        mask = mask_of(canvas.pixels(settings.mask), area) if settings.mask else None
        self._say("running", None if work.full else work.size)
        return Tick(
            job_id=work.frame_id,
            task=resolved.task(canvas.pixels(settings.layer).piece(area).picture, mask, full=work.full),
            model=resolved.model,
            adapters=resolved.adapters,
            width=work.size.width,
            height=work.size.height,
            sides=work.sides,
        )

    def _learn(self, framed: Framed, work: FrameInWork, pace: Pace, *, loaded: bool) -> None:
        if work.complete:
            self._full_missing = self._stale
        if not work.full and not loaded:
            pace.took(work.size, framed.stamps.decoded - framed.stamps.started)

    def _show(self, framed: Framed, area: Area, work: FrameInWork) -> None:
        newest = work.newest
        number = next(self._numbers)
        frames = {
            side: LiveFrame(
                canvas=self._canvas.name,
                number=number,
                revision=work.revision,
                area=area,
                picture=picture,
                full=work.complete,
                given_up=self._given_up,
                stamps=replace(framed.stamps, captured=newest.captured, received=newest.received),
            )
            for side, picture in zip(work.sides, framed.pictures, strict=True)
        }
        self._last = frames.get(0)
        for watcher in self._watchers.values():
            if watcher.side in frames:
                watcher.offer(frames[watcher.side])

    def _pause(self, error: BridgeError) -> None:
        log.info("live paused", canvas=self._canvas.name, code=error.code.value, error=error.message)
        self._say("paused", reason=ErrorInfo.of(error))

    def _say(self, state: LiveState, draft: FrameSize | None = None, reason: ErrorInfo | None = None) -> None:
        former = self.info
        info = LiveInfo(state=state, settings=self._settings, reason=reason)
        if draft is not None:
            info = replace(info, width=draft.width, height=draft.height, scale=draft.scale)
        elif self._resolved is not None:
            info = replace(info, width=former.width, height=former.height, scale=former.scale)
        self.info = info
        if info != former:
            self._tell(info)

    @property
    def _settings(self) -> LiveSettings | None:
        return None if self._resolved is None else self._resolved.settings

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _same_steps(resolved: ResolvedSettings) -> bool:
    return resolved.steps(full=True) == resolved.steps(full=False)
