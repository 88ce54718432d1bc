"""Runs one job on the engine: tells its owner what happens, stores what comes out, retries once after a crash."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import structlog

from bridge.protocol.engine_link import Ended, Noticed, Previewed, Produced, Progressed, Run
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import (
    ErrorInfo,
    JobCancelled,
    JobEvent,
    JobFailed,
    JobFinished,
    JobNotice,
    JobPreview,
    JobProgress,
    JobResult,
    JobState,
)
from bridge.protocol.pixels import Picture
from bridge.protocol.plain import to_plain
from bridge.protocol.shared_pixels import SharedPicture, SharedPixels

from .engine import Engine, EngineDied
from .history import History, StoredEvent
from .jobs import ActiveJob
from .steptimer import StepTimer
from .waiting import first_of

log = structlog.get_logger()

ATTEMPTS = 2
"""How often a job is started before an engine that dies under it makes it fail."""

Publish = Callable[[ActiveJob, JobEvent], None]


class Runner:
    """Takes jobs from queued to ended."""

    def __init__(self, engine: Engine, history: History, publish: Publish) -> None:
        self._engine = engine
        self._history = history
        self._publish = publish

    async def run(self, job: ActiveJob) -> None:
        """Run a job to its end, whatever that is."""
        job.state = "running"
        try:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    await self._attempt(job)
                    return
                except EngineDied as death:
                    await self._after_death(job, attempt, str(death))
                    if attempt == ATTEMPTS or job.cancelled.is_set():
                        return
        except BridgeError as error:
            await self.fail(job, ErrorInfo.of(error))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one job must not end all that wait
            await self.broke(job, error)

    async def cancel(self, job: ActiveJob) -> None:
        """Write and tell that a job is cancelled."""
        await self._end(job, JobCancelled(job_id=job.job_id, seq=job.next_seq), "cancelled")

    async def fail(self, job: ActiveJob, error: ErrorInfo) -> None:
        """Write and tell that a job has failed."""
        log.warning("job failed", job=job.job_id, code=error.code.value, error=error.message)
        await self._end(job, JobFailed(job_id=job.job_id, seq=job.next_seq, error=error), "failed", error)

    async def broke(self, job: ActiveJob, error: Exception) -> None:
        """Write and tell that a job has failed by a fault of this program."""
        log.error("job broke", job=job.job_id, exc_info=error)
        hint = "The daemon's log tells more; `latent-bridge doctor` names it."
        await self.fail(job, ErrorInfo(ErrorCode.INTERNAL, f"The daemon failed on this job: {error!r}", hint))

    async def _attempt(self, job: ActiveJob) -> None:
        await self._wait_for_engine(job)
        if job.cancelled.is_set():
            await self.cancel(job)
            return
        timer = StepTimer(job.task.images)
        run = Run(
            job_id=job.job_id,
            task=job.task,
            model=job.model,
            adapters=job.adapters,
            first_image=job.results,
            preview_side=job.preview_side,
        )
        async for message in self._engine.run(run):
            if isinstance(message, Progressed):
                self._progress(job, message, timer)
            elif isinstance(message, Previewed):
                self._preview(job, message)
            elif isinstance(message, Noticed):
                await self._notice(job, message.notice)
            elif isinstance(message, Produced):
                await self._store(job, message)
            elif isinstance(message, Ended):
                await self._finish(job, message)

    async def _wait_for_engine(self, job: ActiveJob) -> None:
        if self._engine.status.state == "ready":
            return
        ready = asyncio.ensure_future(self._engine.wait_ready())
        cancelled = asyncio.ensure_future(first_of(job.cancelled))
        await asyncio.wait((ready, cancelled), return_when=asyncio.FIRST_COMPLETED)
        cancelled.cancel()
        if ready.done():
            ready.result()
        else:
            ready.cancel()

    def _progress(self, job: ActiveJob, message: Progressed, timer: StepTimer) -> None:
        timer.observe(time.monotonic(), message.image, message.step)
        self._publish(
            job,
            JobProgress(
                job_id=job.job_id,
                seq=job.seq,
                stage=message.stage,
                image=message.image,
                step=message.step,
                steps=message.steps,
                fraction=timer.fraction(message.image, message.step, message.steps),
                eta=timer.remaining(message.image, message.step, message.steps),
            ),
        )

    def _preview(self, job: ActiveJob, message: Previewed) -> None:
        self._forget(message.picture)
        self._publish(
            job,
            JobPreview(job_id=job.job_id, seq=job.seq, image=message.image, step=message.step, picture=message.picture),
        )

    async def _notice(self, job: ActiveJob, notice: ErrorInfo) -> None:
        log.info("job notice", job=job.job_id, code=notice.code.value, notice=notice.message)
        await self._lasting(job, JobNotice(job_id=job.job_id, seq=job.next_seq, notice=notice))

    async def _store(self, job: ActiveJob, message: Produced) -> None:
        seq = job.next_seq
        try:
            stored = await self._history.add_result(job.job_id, seq, message.index, message.layer)
        finally:
            self._forget(message.layer.picture)
        job.seq = seq
        job.results += 1
        # From here on the pixels are those of the stored file, so that a slow reader costs no shared memory.
        layer = replace(message.layer, picture=stored)
        self._publish(job, JobResult(job_id=job.job_id, seq=seq, index=message.index, layer=layer))

    async def _finish(self, job: ActiveJob, ended: Ended) -> None:
        if ended.cancelled:
            await self.cancel(job)
        elif ended.error is not None:
            await self.fail(job, ended.error)
        else:
            reason: Literal["done", "filtered"] = "filtered" if ended.filtered else "done"
            event = JobFinished(job_id=job.job_id, seq=job.next_seq, reason=reason, timings=ended.timings)
            await self._end(job, event, "finished")

    async def _after_death(self, job: ActiveJob, attempt: int, reason: str) -> None:
        if job.cancelled.is_set():
            await self.cancel(job)
        elif attempt < ATTEMPTS:
            notice = ErrorInfo(ErrorCode.ENGINE_CRASHED, "The engine crashed and was restarted; the job runs again.")
            await self._notice(job, notice)
        else:
            error = ErrorInfo(
                ErrorCode.ENGINE_CRASHED,
                f"The engine crashed {ATTEMPTS} times on this job: {reason}",
                "Try a smaller size or another model; the engine's log may tell more.",
            )
            await self.fail(job, error)

    async def _end(self, job: ActiveJob, event: JobEvent, state: JobState, error: ErrorInfo | None = None) -> None:
        job.state = state
        try:
            await self._lasting(job, event, state, error)
        except BridgeError as problem:
            # Who waits is told all the same; a daemon that starts on this history will call the job interrupted.
            log.error("the end of a job is not in the history", job=job.job_id, error=problem.message)
            self._publish(job, event)

    async def _lasting(
        self, job: ActiveJob, event: JobEvent, state: JobState | None = None, error: ErrorInfo | None = None
    ) -> None:
        body: dict[str, Any] = to_plain(event, _no_picture)
        await self._history.add_event(job.job_id, StoredEvent(event.seq, event.type, body), state, error)
        job.seq = event.seq
        self._publish(job, event)

    @staticmethod
    def _forget(picture: Picture) -> None:
        if isinstance(picture, SharedPicture):
            SharedPixels(picture.folder).remove(picture.name)


def _no_picture(_picture: Picture) -> dict[str, Any]:
    raise BridgeError(ErrorCode.INTERNAL, "Only results carry pictures into the history.")
