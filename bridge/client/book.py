"""The book of jobs: submits them, attaches to them after a loss, submits them anew after a restart of the daemon.

No I/O: it is told what came in and says what shall go out. Runs on one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bridge.protocol.errors import ErrorCode
from bridge.protocol.messages import (
    Attach,
    Cancel,
    Error,
    ErrorInfo,
    JobCancelled,
    JobEvent,
    JobFailed,
    JobStatus,
    Reply,
    Request,
    Submit,
)

from .job import Job
from .tracker import TRANSIENT

MAX_RESTARTS = 3
"""A job that was lost with its daemon this often is given up: it may be what ends the daemon."""

Ask = Callable[[Request, Callable[[Reply], None]], None]


class JobEntry:
    """A job that is not over, and what the daemon was told about it."""

    def __init__(self, job: Job, *, submitted: bool) -> None:
        self.job = job
        self.submitted = submitted
        self.cancelled = False
        self.restarts = 0
        self._early: dict[int, JobEvent] = {}

    def in_turn(self, event: JobEvent) -> Iterator[JobEvent]:
        """What is due now that this event came in.

        On a new connection the daemon tells what happens from then on at once, and what was missed when it is asked for
        it: a job's end may come before its images do. Lasting events are numbered without gaps, so one whose
        predecessors have not come yet is kept until they have.
        """
        if isinstance(event, TRANSIENT):
            yield event
        elif event.seq > self.job.after:
            self._early[event.seq] = event
            while (due := self._early.pop(self.job.after + 1, None)) is not None:
                yield due

    def begin_again(self, after: int) -> None:
        """The job is to be submitted anew; its events will count on from `after`."""
        self.restarts += 1
        self.submitted = False
        if after == 0:
            self._early.clear()
        self.job.restart(after)


class JobBook:
    """Unfinished jobs of a session.

    Args:
        ask: sends a request and calls back with the reply; without a connection it forgets both.
        next_id: gives request ids.
    """

    def __init__(self, ask: Ask, next_id: Callable[[], int]) -> None:
        self._ask = ask
        self._next_id = next_id
        self._entries: dict[str, JobEntry] = {}
        self._open = False

    def unfinished(self) -> list[Job]:
        """The jobs that are not over."""
        return [entry.job for entry in self._entries.values()]

    def add(self, job: Job, *, submitted: bool = False) -> None:
        """Take a new job, or with `submitted` one that the daemon has from an earlier life of this program."""
        entry = self._entries[job.id] = JobEntry(job, submitted=submitted)
        if self._open:
            self._pursue(entry)

    def cancel(self, job: Job) -> None:
        """Stop a job; harmless when it is over."""
        entry = self._entries.get(job.id)
        if entry is None or entry.job is not job:
            return
        entry.cancelled = True
        if not entry.submitted:
            self._end(entry, JobCancelled(job_id=job.id, seq=job.after + 1))
        elif self._open:
            self._ask(Cancel(request_id=self._next_id(), job_id=job.id), lambda reply: None)

    def opened(self) -> None:
        """A new connection: take up every job where it was left."""
        self._open = True
        for entry in list(self._entries.values()):
            self._pursue(entry)

    def lost(self) -> None:
        """The connection is gone."""
        self._open = False

    def received(self, event: JobEvent) -> None:
        """Pass an event on to its job."""
        entry = self._entries.get(event.job_id)
        if entry is None:
            return
        for due in entry.in_turn(event):
            self._deliver(entry, due)

    def _deliver(self, entry: JobEntry, event: JobEvent) -> None:
        if isinstance(event, JobFailed) and event.error.code is ErrorCode.INTERRUPTED and self._may_restart(entry):
            self._restart(entry, event.seq)
            return
        entry.job.deliver(event)
        if entry.job.ended:
            self._entries.pop(event.job_id, None)

    def give_up(self, error: ErrorInfo) -> None:
        """Fail every job: the daemon will not be reached again."""
        for entry in list(self._entries.values()):
            self._end(entry, JobFailed(job_id=entry.job.id, seq=entry.job.after + 1, error=error))

    def _pursue(self, entry: JobEntry) -> None:
        if not entry.submitted:
            self._submit(entry)
            return
        attach = Attach(request_id=self._next_id(), job_id=entry.job.id, after=entry.job.after)
        self._ask(attach, lambda reply: self._attached(entry, reply))
        if entry.cancelled:
            self.cancel(entry.job)

    def _submit(self, entry: JobEntry) -> None:
        job = entry.job
        if job.task is None:
            raise ValueError("only jobs with a task are submitted")
        entry.submitted = True
        submit = Submit(
            request_id=self._next_id(),
            job_id=job.id,
            task=job.task,
            priority=job.priority,
            preview_side=job.preview_side,
        )
        self._ask(submit, lambda reply: self._answered(entry, reply))

    def _answered(self, entry: JobEntry, reply: Reply) -> None:
        """The daemon answered `submit`."""
        if isinstance(reply, Error):
            self._refused(entry, reply.error)
        elif isinstance(reply, JobStatus) and reply.last_seq > entry.job.after:
            self._pursue(entry)  # the same job was submitted before: ask for what it gave

    def _attached(self, entry: JobEntry, reply: Reply) -> None:
        """The daemon answered `attach`."""
        if not isinstance(reply, Error):
            return
        if entry.cancelled:
            self._end(entry, JobCancelled(job_id=entry.job.id, seq=entry.job.after + 1))
        elif reply.error.code is ErrorCode.UNKNOWN_JOB and self._may_restart(entry):
            self._restart(entry, after=0)
        else:
            self._refused(entry, reply.error)

    def _may_restart(self, entry: JobEntry) -> bool:
        return entry.job.task is not None and entry.restarts < MAX_RESTARTS and not entry.cancelled

    def _restart(self, entry: JobEntry, after: int) -> None:
        entry.begin_again(after)
        if self._open:
            self._submit(entry)

    def _refused(self, entry: JobEntry, error: ErrorInfo) -> None:
        self._end(entry, JobFailed(job_id=entry.job.id, seq=entry.job.after + 1, error=error))

    def _end(self, entry: JobEntry, event: JobEvent) -> None:
        self._entries.pop(entry.job.id, None)
        entry.job.deliver(event)
