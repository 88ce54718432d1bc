"""What a client knows of one job: a state machine fed with events. No threads, no I/O."""

from __future__ import annotations

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import (
    FINAL_STATES,
    JobCancelled,
    JobEvent,
    JobFailed,
    JobFinished,
    JobPreview,
    JobProgress,
    JobQueued,
    JobResult,
    JobState,
)
from bridge.protocol.tasks import Layer

TRANSIENT: tuple[type[JobEvent], ...] = (JobQueued, JobProgress, JobPreview)
"""Events that are told once and never resent. They carry the number of the lasting event before them."""


class JobTracker:
    """Takes a job's events, in whatever connection they came, and lets each through once.

    Attributes:
        state: where the job stands, as far as is known here.
        after: number of the last event seen, for `attach`.
        position: jobs before it while it is queued.
        progress: the newest progress.
        layers: finished images by index.
        error: why it failed or that it was cancelled; None otherwise.
        timings: seconds by stage, once it is finished.
        filtered: whether the safety filter held images back.
    """

    def __init__(self) -> None:
        self.state: JobState = "queued"
        self.after = 0
        self.position = 0
        self.progress: JobProgress | None = None
        self.layers: dict[int, Layer] = {}
        self.error: BridgeError | None = None
        self.timings: dict[str, object] = {}
        self.filtered = False

    @property
    def ended(self) -> bool:
        """Whether no more events will come."""
        return self.state in FINAL_STATES

    def restart(self, after: int) -> None:
        """The job was submitted anew; its events count on from `after`. Images that are here already stay."""
        self.after = after
        self.state = "queued"
        self.progress = None

    def accept(self, event: JobEvent) -> bool:
        """Take an event; returns whether it is news."""
        if self.ended:
            return False
        if isinstance(event, TRANSIENT):
            return event.seq >= self.after and self._apply(event)
        if event.seq <= self.after:
            return False
        self.after = event.seq
        return self._apply(event)

    def _apply(self, event: JobEvent) -> bool:
        if isinstance(event, JobQueued):
            self.state, self.position = "queued", event.position
        elif isinstance(event, JobProgress):
            self.state, self.progress = "running", event
        elif isinstance(event, JobResult):
            if event.index in self.layers:
                return False  # made again after a restart of the daemon
            self.layers[event.index] = event.layer
        elif isinstance(event, JobFinished):
            self.state, self.timings, self.filtered = "finished", event.timings, event.reason == "filtered"
            if self.filtered and not self.layers:
                self.error = BridgeError(
                    ErrorCode.FILTERED,
                    "The safety filter held back everything that this job made.",
                    hint="Change the prompt or the seed; who runs the daemon can switch the filter off.",
                )
        elif isinstance(event, JobFailed):
            self.state, self.error = "failed", event.error.raised()
        elif isinstance(event, JobCancelled):
            self.state = "cancelled"
            self.error = BridgeError(ErrorCode.CANCELLED, "The job was cancelled.")
        return True
