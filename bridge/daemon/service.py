"""What the daemon does for its clients, whatever door they come through. The websocket is one; a gateway another."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import psutil
import structlog

from bridge import __version__
from bridge.hub.reports import Fetched
from bridge.protocol import PROTOCOL_VERSION
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.live import LiveSettings
from bridge.protocol.messages import (
    DAEMON_MESSAGES,
    FINAL_STATES,
    ErrorInfo,
    JobEvent,
    JobNotice,
    JobProgress,
    JobResult,
    JobStatus,
    JobSummary,
    Lent,
    Limits,
    Message,
    Models,
    Pong,
    Result,
    Submit,
    Welcome,
)
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.plain_reading import from_plain
from bridge.protocol.schema import task_schemas
from bridge.protocol.shared_pixels import SharedPixels
from bridge.protocol.tasks import PREPROCESSORS, SCHEDULERS, ImageToImage, Task
from bridge.protocol.wire import ENCODINGS

from .canvases import Canvases
from .catalogue import Catalogue, kind_of
from .client_files import ClientFiles
from .dispatcher import Dispatcher
from .downloads import Downloads
from .embedding_names import with_tags
from .engine import Engine
from .history import History, JobRecord, StoredEvent, no_picture
from .jobs import ActiveJob, adopt_pictures, pictures_of, release_pictures
from .limits import check_limits
from .live.frame_work import ResolvedSettings
from .live.lane import LiveLane
from .outbox import Outbox
from .runner import Runner
from .submission import check_same, fingerprint_of, settled, summary_of

log = structlog.get_logger()

LARGE_BYTES = 1 << 20
"""Pictures above this are copied in a thread, so that the loop never stands still for them."""

EVENT_TYPES = {cls.type: cls for cls in DAEMON_MESSAGES if issubclass(cls, JobEvent)}


class BridgeService:
    """Jobs, models and history of one daemon."""

    def __init__(
        self,
        engine: Engine,
        history: History,
        catalogue: Catalogue,
        shared: SharedPixels,
        downloads: Downloads,
        limits: Limits,
        idle_release: float = 0.0,
    ) -> None:
        self.limits = limits
        self._engine = engine
        self._history = history
        self._catalogue = catalogue
        self._shared = shared
        self._downloads = downloads
        self._fetching: dict[str, asyncio.Task[None]] = {}
        """Jobs whose model is on its way, by id."""
        self._runner = Runner(engine, history, self._publish)
        self._dispatcher = Dispatcher(engine, self._runner, self._publish, self._ended, idle_release)
        self.canvases = Canvases(
            limits, LiveLane(engine, shared, lambda: self._dispatcher.lent, self._dispatcher.stay_awake)
        )
        self._active: dict[str, ActiveJob] = {}
        self._outboxes: dict[str, set[Outbox]] = {}
        self._submitting = asyncio.Lock()
        self._started = time.monotonic()
        self._process = psutil.Process()

    async def start(self) -> None:
        """Start the engine and begin running jobs."""
        await self._engine.start()
        self._dispatcher.start()

    async def close(self) -> None:
        """End the engine; what is unfinished is marked so by the next daemon."""
        await self._dispatcher.close()
        await self.canvases.close()
        fetching = list(self._fetching.values())
        for task in fetching:
            task.cancel()
        await asyncio.gather(*fetching, return_exceptions=True)
        await self._downloads.close()
        await self._engine.close()

    def subscribe(self, owner: str, outbox: Outbox) -> None:
        """Send the events of a session's jobs to an outbox."""
        self._outboxes.setdefault(owner, set()).add(outbox)

    def unsubscribe(self, owner: str, outbox: Outbox) -> None:
        """Stop doing so. The jobs go on."""
        outboxes = self._outboxes.get(owner, set())
        outboxes.discard(outbox)
        if not outboxes:
            self._outboxes.pop(owner, None)

    def welcome(self, request_id: int, files: ClientFiles | None = None) -> Welcome:
        """What this daemon can do, for a client with which it shares `files`."""
        return Welcome(
            request_id=request_id,
            version=PROTOCOL_VERSION,
            daemon=f"latent-bridge {__version__}",
            models=self._catalogue.infos(),
            adapters=self._catalogue.adapters(),
            tasks=dict(task_schemas()),
            schedulers=SCHEDULERS,
            preprocessors=(*PREPROCESSORS, *self._catalogue.preprocessors()),
            limits=self.limits,
            inbox=str(files.inbox.folder) if files else "",
            results=str(files.results) if files else "",
            encodings=ENCODINGS,
        )

    async def models(self, request_id: int) -> Models:
        """Look for models and adapters again."""
        await asyncio.to_thread(self._catalogue.refresh)
        return Models(request_id=request_id, models=self._catalogue.infos(), adapters=self._catalogue.adapters())

    async def submit(self, owner: str, request: Submit) -> JobStatus:
        """Queue a job, or tell where it stands if it is known already.

        Raises:
            BridgeError: for whatever is wrong with the request; see `ErrorCode`.
        """
        check_limits(request.task, self.limits)
        # A client that leaves in the middle must not leave a job that is known but never runs.
        return await asyncio.shield(self._submit(owner, request))

    async def _submit(self, owner: str, request: Submit) -> JobStatus:
        task = self._catalogue.spelled_out(request.task)
        needs = self._catalogue.needs_of(task)
        fingerprint = await self._off_loop(request.task, fingerprint_of, request.task)
        task = settled(replace(request, task=task), needs.model)
        task = await self._off_loop(task, adopt_pictures, task, self._shared)
        entered = False
        try:
            async with self._submitting:
                known = await self._enter(owner, request, fingerprint)
                entered = known is None or known.may_run_again(owner, fingerprint)
                if known is not None and not entered:
                    check_same(known, owner, fingerprint)
                    return self._status_of(request.request_id, known)
                job = ActiveJob(
                    job_id=request.job_id,
                    owner=owner,
                    task=task,
                    model=needs.model,
                    priority=request.priority,
                    preview_side=request.preview_side,
                    adapters=needs.adapters,
                    hub_id=needs.hub_id,
                    seq=known.last_seq if known else 0,
                    results=known.summary.results if known else 0,
                )
                self._active[job.job_id] = job
        finally:
            if not entered:
                release_pictures(task, self._shared)
        if job.hub_id:
            self._fetching[job.job_id] = asyncio.create_task(self._fetch(job), name=f"model of {job.job_id}")
        else:
            self._enqueue(job)
        return job.status(request.request_id)

    def _enqueue(self, job: ActiveJob) -> None:
        self._dispatcher.enqueue(job)
        log.info("job queued", job=job.job_id, task=kind_of(job.task), model=job.model.id if job.model else "")

    async def _fetch(self, job: ActiveJob) -> None:
        """Bring a job's model here, then queue the job; the engine meanwhile does others."""
        try:
            tell = partial(self._tell_fetched, job)
            here = await self._downloads.fetch(job.hub_id, tell, job.cancelled)
            await asyncio.to_thread(self._catalogue.refresh)
            if here and not job.cancelled.is_set():
                # What the model can do and recommends is known only now.
                job.model = self._catalogue.needs_of(job.task).model
                self._enqueue(job)
            else:
                await self._runner.cancel(job)
                self._release(job)
        except BridgeError as error:
            await self._runner.fail(job, ErrorInfo.of(error))
            self._release(job)
        except Exception as error:  # noqa: BLE001 - nobody else hears of what ends this task
            await self._runner.broke(job, error)
            self._release(job)
        finally:
            del self._fetching[job.job_id]

    def _tell_fetched(self, job: ActiveJob, so_far: Fetched) -> None:
        done, total = so_far.done, so_far.total
        progress = JobProgress(job_id=job.job_id, seq=job.seq, stage="downloading", bytes_done=done, bytes_total=total)
        self._publish(job, progress)

    async def _enter(self, owner: str, request: Submit, fingerprint: str) -> JobRecord | None:
        """Write a job into the history if there is room for it; returns what was known of its id before."""
        if sum(job.owner == owner for job in self._active.values()) < self.limits.queued_jobs:
            return await self._history.add_job(summary_of(request), owner, fingerprint)
        known = await self._history.job(request.job_id)
        if known is None or known.may_run_again(owner, fingerprint):
            raise BridgeError(
                ErrorCode.QUEUE_FULL,
                f"This session has {self.limits.queued_jobs} unfinished jobs already.",
                hint="Wait for one to end, or cancel one.",
            )
        return known

    def share_files(self) -> ClientFiles:
        """Pixel files for a client on this machine; close them when it leaves."""
        return ClientFiles.open(self._shared, self._history.pixels, self.limits.message_bytes)

    def resolve_live(self, settings: LiveSettings) -> ResolvedSettings:
        """Find what settings of live generation name. Raises `BridgeError`; see `submit`."""
        probe = ImageToImage(
            image=Picture(1, 1, PixelFormat.GRAY8, b"\0"),
            prompt=settings.prompt,
            negative_prompt=settings.negative_prompt,
            model=settings.model,
            steps=settings.steps,
            loras=settings.loras,
        )
        check_limits(probe, self.limits)
        model = self._catalogue.find_for(probe)
        if model.hub_id:
            raise BridgeError(
                ErrorCode.MODEL_UNUSABLE,
                f"The model {model.info.id} is not on this machine yet.",
                hint=f"`latent-bridge pull {model.info.id}` brings it.",
                field="settings.model",
            )
        spelled = with_tags(probe, self._catalogue.adapters(), model.info.family)
        settings = replace(settings, prompt=spelled.prompt, negative_prompt=spelled.negative_prompt)
        return ResolvedSettings(settings, model.source, self._catalogue.adapters_for(spelled))

    async def attach(self, job_id: str, request_id: int) -> JobStatus:
        """Where a job stands. Raises `BridgeError` (`unknown_job`)."""
        return self._status_of(request_id, await self._known(job_id))

    async def missed_events(self, job_id: str, after: int) -> AsyncIterator[JobEvent]:
        """The lasting events of a job after number `after`, with their pixels.

        A result whose pixels have made room for newer ones comes as a `JobNotice` instead.
        """
        for event in await self._history.events(job_id, after):
            if event.type == JobResult.type:
                yield await self._stored_result(job_id, event)
            else:
                yield from_plain(EVENT_TYPES[event.type], event.body, no_picture)

    async def _stored_result(self, job_id: str, event: StoredEvent) -> JobEvent:
        index = int(event.body["index"])
        try:
            layer = await self._history.layer(job_id, index)
        except BridgeError as error:
            return JobNotice(job_id=job_id, seq=event.seq, notice=ErrorInfo.of(error))
        return JobResult(job_id=job_id, seq=event.seq, index=index, layer=layer)

    async def cancel(self, owner: str, job_id: str, request_id: int) -> JobStatus:
        """Stop a job. Raises `BridgeError` (`unknown_job`, `not_owner`)."""
        known = await self._known(job_id)
        if known.owner != owner:
            raise BridgeError(
                ErrorCode.NOT_OWNER,
                f"Job {job_id} belongs to another session.",
                hint="Cancel it where it was started.",
                field="job_id",
            )
        job = self._active.get(job_id)
        if job is not None and not job.cancelled.is_set():
            job.cancelled.set()
            if job_id in self._fetching:
                await asyncio.wait((self._fetching[job_id],))
            elif self._dispatcher.withdraw(job):
                await self._runner.cancel(job)
                self._release(job)
            else:
                self._engine.abort(job_id)
        return self._status_of(request_id, await self._known(job_id))

    async def jobs(self, owner: str, limit: int) -> tuple[JobSummary, ...]:
        """The newest jobs of all sessions."""
        return await self._history.newest(limit, owner)

    async def fetch(self, owner: str, job_id: str, index: int, request_id: int) -> Result:
        """A stored image. Raises `BridgeError` (`unknown_job`, `result_evicted`)."""
        known = await self._history.job(job_id, owner)
        if known is None:
            raise _unknown(job_id)
        layer = await self._history.layer(job_id, index)
        return Result(request_id=request_id, job=known.summary, index=index, layer=layer)

    async def lend(self, seconds: float, request_id: int) -> Lent:
        """Free the device for another program, after the job that runs. 0 seconds ask it back."""
        freed = await self._dispatcher.lend(seconds)
        return Lent(request_id=request_id, freed=freed, seconds=self._dispatcher.lent)

    def state(self, request_id: int) -> Pong:
        """Daemon and engine as they are now."""
        status = self._engine.status
        pid = status.ready.pid if status.ready is not None and status.state in ("ready", "busy") else 0
        return Pong(
            request_id=request_id,
            uptime=time.monotonic() - self._started,
            engine=status.state,
            device=status.ready.device if status.ready else "",
            memory_free=status.ready.memory_free if status.ready else 0,
            memory_total=status.ready.memory_total if status.ready else 0,
            daemon_memory=self._process.memory_info().rss,
            engine_memory=_resident(pid),
            engine_pid=pid,
            queued=self._dispatcher.waiting,
            lent=self._dispatcher.lent,
        )

    async def _ended(self, job: ActiveJob) -> None:
        self._release(job)
        try:
            for lost in await self._history.evict():
                log.info("results evicted to keep the history within its limit", job=lost)
        except BridgeError as problem:
            log.error("the history could not be kept within its limit", error=problem.message)

    def _release(self, job: ActiveJob) -> None:
        self._active.pop(job.job_id, None)
        release_pictures(job.task, self._shared)

    def _publish(self, job: ActiveJob, event: Message) -> None:
        for outbox in self._outboxes.get(job.owner, ()):
            outbox.put(event)

    async def _known(self, job_id: str) -> JobRecord:
        known = await self._history.job(job_id)
        if known is None:
            raise _unknown(job_id)
        return known

    def _status_of(self, request_id: int, known: JobRecord) -> JobStatus:
        job = self._active.get(known.summary.job_id)
        if job is not None and known.summary.state not in FINAL_STATES:
            return job.status(request_id)
        return JobStatus(
            request_id=request_id,
            job_id=known.summary.job_id,
            state=known.summary.state,
            last_seq=known.last_seq,
        )

    async def _off_loop(self, task: Task, function, *arguments):  # type: ignore[no-untyped-def]
        if sum(picture.nbytes for _, picture in pictures_of(task)) > LARGE_BYTES:
            return await asyncio.to_thread(function, *arguments)
        return function(*arguments)


def _unknown(job_id: str) -> BridgeError:
    return BridgeError(
        ErrorCode.UNKNOWN_JOB, f"There is no job {job_id}.", hint="`latent-bridge jobs` lists them.", field="job_id"
    )


def _resident(pid: int) -> int:
    if pid == 0:
        return 0
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
