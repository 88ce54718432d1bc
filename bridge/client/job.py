"""A job as its owner sees it: iterate over its events, or wait for its result."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import JobEvent, JobPreview, JobProgress, JobState, Priority
from bridge.protocol.tasks import Layer, Task

from .tracker import JobTracker

log = logging.getLogger("latent_bridge.client")

EventCallback = Callable[["Job", JobEvent], None]


class Job:
    """A job that was submitted. Safe to use from any thread.

    Iterating gives its events until it ends; each event is given out once, and a preview that nobody took is
    replaced by the next one. Callbacks get every event, on the client's background thread: be quick there, and hand
    over to your own thread what takes long or belongs to a user interface.
    """

    def __init__(
        self,
        job_id: str,
        task: Task | None,
        *,
        priority: Priority = "interactive",
        preview_side: int = 0,
        on_event: EventCallback | None = None,
        cancel: Callable[[Job], None],
        check_thread: Callable[[], None],
    ) -> None:
        self.id = job_id
        self.task = task
        self.priority: Priority = priority
        self.preview_side = preview_side
        self._on_event = on_event
        self._cancel = cancel
        self._check_thread = check_thread
        self._tracker = JobTracker()
        self._events: deque[JobEvent] = deque()
        self._changed = threading.Condition()

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.state}>"

    @property
    def state(self) -> JobState:
        """`queued`, `running`, `finished`, `failed` or `cancelled`."""
        return self._tracker.state

    @property
    def ended(self) -> bool:
        """Whether it finished, failed or was cancelled."""
        return self._tracker.ended

    @property
    def progress(self) -> JobProgress | None:
        """The newest progress: stage, step, fraction and remaining seconds. None before it runs."""
        return self._tracker.progress

    @property
    def position(self) -> int:
        """Jobs before it in the queue."""
        return self._tracker.position

    @property
    def error(self) -> BridgeError | None:
        """Why it failed, that it was cancelled, or that all of its images were held back; None otherwise."""
        return self._tracker.error

    @property
    def timings(self) -> dict[str, object]:
        """Seconds by stage, once it is finished."""
        return self._tracker.timings

    @property
    def filtered(self) -> bool:
        """Whether the safety filter held images back."""
        return self._tracker.filtered

    @property
    def layers(self) -> list[Layer]:
        """The images that are finished so far, in order."""
        with self._changed:
            return [layer for _, layer in sorted(self._tracker.layers.items())]

    def cancel(self) -> None:
        """Ask the daemon to stop it; does not wait. The job ends with `job_cancelled` unless it is over already."""
        self._cancel(self)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, `timeout` seconds at most; returns whether it has come."""
        self._check_thread()
        with self._changed:
            return self._changed.wait_for(lambda: self.ended, timeout)

    def result(self, timeout: float | None = None) -> list[Layer]:
        """Wait for the end and return all images, in order.

        Args:
            timeout: seconds; None waits for as long as it takes, also through losses of the connection.

        Raises:
            BridgeError: the job's own error; `cancelled`; `filtered` when every image was held back; `timeout` when it
                is not over in time.
        """
        if not self.wait(timeout):
            raise _not_in_time(self)
        if self.error is not None:
            raise self.error
        return self.layers

    def events(self, timeout: float | None = None) -> Iterator[JobEvent]:
        """Iterate over events until the job ends.

        Args:
            timeout: longest wait for the next event, seconds; None waits for as long as it takes.

        Raises:
            BridgeError: `timeout`.
        """
        while True:
            self._check_thread()
            with self._changed:
                if not self._changed.wait_for(lambda: self._events or self.ended, timeout):
                    raise _not_in_time(self)
                if not self._events:
                    return
                event = self._events.popleft()
            yield event

    def __iter__(self) -> Iterator[JobEvent]:
        return self.events()

    # For the book of jobs, on the work thread.

    @property
    def after(self) -> int:
        """Number of the last event seen."""
        return self._tracker.after

    def restart(self, after: int) -> None:
        """It was submitted anew; its events count on from `after`."""
        with self._changed:
            self._tracker.restart(after)

    def deliver(self, event: JobEvent) -> None:
        """Take an event that came in, pass it on if it is news."""
        with self._changed:
            if not self._tracker.accept(event):
                return
            if isinstance(event, JobPreview):
                self._events = deque(old for old in self._events if not isinstance(old, JobPreview))
            self._events.append(event)
            self._changed.notify_all()
        if self._on_event is not None:
            try:
                self._on_event(self, event)
            except Exception:
                log.exception("The callback of job %s failed", self.id)


def _not_in_time(job: Job) -> BridgeError:
    return BridgeError(
        ErrorCode.TIMEOUT, f"The job is still {job.state}.", hint="Wait longer, or cancel it. The daemon goes on."
    )
