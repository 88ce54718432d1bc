"""However events are repeated and reconnected, each lasting one passes once and in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.client.tracker import JobTracker
from bridge.protocol.errors import ErrorCode
from bridge.protocol.messages import (
    ErrorInfo,
    JobCancelled,
    JobEvent,
    JobFailed,
    JobFinished,
    JobNotice,
    JobProgress,
    JobQueued,
    JobResult,
)
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Layer

LAYER = Layer(picture=Picture(1, 1, PixelFormat.RGBA8, bytes(4)))
NOTICE = ErrorInfo(ErrorCode.OUT_OF_MEMORY, "Computed in tiles.")


def log_of(images: int) -> list[JobEvent]:
    """What a daemon keeps of a job with a notice after every image."""
    events: list[JobEvent] = []
    for index in range(images):
        events.append(JobResult(job_id="a", seq=2 * index + 1, index=index, layer=LAYER))
        events.append(JobNotice(job_id="a", seq=2 * index + 2, notice=NOTICE))
    return [*events, JobFinished(job_id="a", seq=2 * images + 1)]


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), max_size=8))
def test_every_lasting_event_passes_exactly_once_whatever_the_losses(images, losses):
    """Each connection sends some events, the first few of them repeated, and breaks."""
    log, tracker, passed = log_of(images), JobTracker(), []
    for length, repeated in [*losses, (len(log), 0)]:
        start = max(0, tracker.after - repeated)
        passed += [event.seq for event in log[start : start + length] if tracker.accept(event)]
    assert passed == [event.seq for event in log]
    assert tracker.state == "finished"
    assert sorted(tracker.layers) == list(range(images))


def test_progress_and_positions_pass_as_often_as_they_come():
    tracker = JobTracker()
    assert tracker.accept(JobQueued(job_id="a", seq=0, position=2))
    assert tracker.position == 2
    assert tracker.accept(JobProgress(job_id="a", seq=0, stage="loading"))
    assert tracker.accept(JobProgress(job_id="a", seq=0, stage="denoising", step=1, steps=4))
    assert (tracker.state, tracker.progress.step) == ("running", 1)


def test_progress_from_before_what_is_known_is_old_news():
    tracker = JobTracker()
    tracker.accept(JobResult(job_id="a", seq=1, index=0, layer=LAYER))
    assert not tracker.accept(JobProgress(job_id="a", seq=0, stage="denoising"))


def test_nothing_passes_after_the_end():
    for end in (
        JobFinished(job_id="a", seq=1),
        JobCancelled(job_id="a", seq=1),
        JobFailed(job_id="a", seq=1, error=NOTICE),
    ):
        tracker = JobTracker()
        assert tracker.accept(end)
        assert tracker.ended
        assert not tracker.accept(JobProgress(job_id="a", seq=1, stage="denoising"))
        assert not tracker.accept(JobResult(job_id="a", seq=2, index=0, layer=LAYER))


def test_failure_and_cancellation_are_errors_with_a_code():
    failed, cancelled = JobTracker(), JobTracker()
    failed.accept(JobFailed(job_id="a", seq=1, error=NOTICE))
    cancelled.accept(JobCancelled(job_id="a", seq=1))
    assert (failed.error.code, cancelled.error.code) == (ErrorCode.OUT_OF_MEMORY, ErrorCode.CANCELLED)
