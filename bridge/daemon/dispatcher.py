"""The device and who has it: jobs in their turn, another program that borrows it, or nobody for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from bridge.protocol.messages import JobQueued

from .engine import Engine
from .jobqueue import FairQueue
from .jobs import ActiveJob
from .loan import Loan
from .runner import Publish, Runner

log = structlog.get_logger()


class Dispatcher:
    """Runs queued jobs one after the other.

    Args:
        ended: awaited after each job, before the next one starts.
        idle_release: seconds without a job after which models are put away; 0 keeps them.
    """

    def __init__(
        self,
        engine: Engine,
        runner: Runner,
        publish: Publish,
        ended: Callable[[ActiveJob], Awaitable[None]],
        idle_release: float,
    ) -> None:
        self._engine = engine
        self._runner = runner
        self._publish = publish
        self._ended = ended
        self._idle_release = idle_release
        self._queue: FairQueue[ActiveJob] = FairQueue()
        self._loan = Loan()
        self._work = asyncio.Event()
        self._device = asyncio.Lock()
        """Held by whatever uses the device: a job, or putting models away."""
        self._loop: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Jobs in the queue."""
        return len(self._queue)

    @property
    def lent(self) -> float:
        """Seconds for which the device is still lent."""
        return self._loan.remaining

    def start(self) -> None:
        """Begin running jobs."""
        self._loop = asyncio.create_task(self._dispatch(), name="dispatcher")

    async def close(self) -> None:
        """Start no more jobs, and leave the one that runs."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)

    def enqueue(self, job: ActiveJob) -> None:
        """Let a job wait for its turn."""
        self._queue.push(job.job_id, job.owner, job.priority, job)
        # Before anything is told: the job may start while that is on its way.
        self._work.set()
        self._tell_positions()

    def withdraw(self, job: ActiveJob) -> bool:
        """Take a job out of the queue; False when it is not in it (any more)."""
        if self._queue.remove(job.job_id) is None:
            return False
        self._tell_positions()
        return True

    def stay_awake(self) -> None:
        """The device is used beside the jobs: put no models away for another while."""
        self._work.set()

    async def lend(self, seconds: float) -> int:
        """Free the device for another program, after the job that runs. Returns the bytes that models gave back.

        0 seconds ask it back, and free nothing.
        """
        self._loan.begin(seconds)
        self._tell_positions(again=True)
        if seconds == 0:
            return 0
        async with self._device:
            freed = await self._engine.release(park=True)
        log.info("device lent", seconds=seconds, freed=freed)
        return freed

    async def _dispatch(self) -> None:
        while True:
            await self._loan.over()
            async with self._device:
                job = None if self._loan.remaining else self._queue.pop()
                if job is not None:
                    await self._run(job)
            if job is None:
                await self._wait_for_work()

    async def _run(self, job: ActiveJob) -> None:
        self._tell_positions()
        began = time.monotonic()
        try:
            await self._runner.run(job)
        finally:
            seconds = time.monotonic() - began
            self._queue.charge(job.owner, seconds)
            await self._ended(job)
        log.info("job ended", job=job.job_id, state=job.state, seconds=round(seconds, 3))

    async def _wait_for_work(self) -> None:
        if len(self._queue):
            return  # it waits for the device, which was lent in the meantime
        self._work.clear()
        try:
            await asyncio.wait_for(self._work.wait(), self._idle_release or None)
        except TimeoutError:
            async with self._device:
                freed = await self._engine.release(park=False)
            log.info("models put away after idling", freed=freed)
            await self._work.wait()

    def _tell_positions(self, *, again: bool = False) -> None:
        lent = self._loan.remaining
        for position, job in enumerate(self._queue.in_order()):
            if job.position != position or again:
                job.position = position
                self._publish(job, JobQueued(job_id=job.job_id, seq=job.seq, position=position, lent=lent))
