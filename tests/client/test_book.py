"""However a new connection mixes what happens with what was missed, a job gets all of it, in order."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from bridge.client.book import JobBook
from bridge.client.job import Job
from bridge.protocol.errors import ErrorCode
from bridge.protocol.messages import (
    Attach,
    Error,
    ErrorInfo,
    JobEvent,
    JobFailed,
    JobFinished,
    JobProgress,
    JobResult,
    JobStatus,
    Reply,
    Request,
    Submit,
)
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Layer, TextToImage

LAYER = Layer(picture=Picture(1, 1, PixelFormat.RGBA8, bytes(4)))
TASK = TextToImage(prompt="grey stone", width=64, height=64, steps=4)


class Line:
    """What a book says, to be answered by the test."""

    def __init__(self) -> None:
        self.asked: list[tuple[Request, Callable[[Reply], None]]] = []
        numbers = itertools.count(1)
        self.book = JobBook(lambda request, answer: self.asked.append((request, answer)), lambda: next(numbers))

    def requests(self) -> list[type[Request]]:
        return [type(request) for request, _ in self.asked]


def a_job() -> Job:
    return Job("a", TASK, cancel=lambda job: None, check_thread=lambda: None)


def images(*seqs: int) -> list[JobEvent]:
    return [JobResult(job_id="a", seq=seq, index=seq - 1, layer=LAYER) for seq in seqs]


@given(st.integers(1, 5), st.data())
def test_an_end_that_is_told_before_the_images_loses_none(count, data):
    """Live events of the new connection and the answer to `attach` are two orderly streams, mixed at will."""
    line, job = Line(), a_job()
    line.book.opened()
    line.book.add(job, submitted=True)
    whole = [*images(*range(1, count + 1)), JobFinished(job_id="a", seq=count + 1)]
    live = whole[data.draw(st.integers(0, count)) :]
    mixed = data.draw(st.permutations([0] * len(live) + [1] * len(whole)))
    streams = (iter(live), iter(whole))
    for which in mixed:
        line.book.received(next(streams[which]))
    assert job.state == "finished"
    assert [event.seq for event in job.events(timeout=0)] == [event.seq for event in whole]
    assert not line.book.unfinished()


def test_progress_of_now_passes_while_what_was_missed_is_on_its_way():
    line, job = Line(), a_job()
    line.book.opened()
    line.book.add(job, submitted=True)
    line.book.received(JobProgress(job_id="a", seq=2, stage="denoising", step=3, steps=4))
    assert job.progress.step == 3


def test_an_interruption_that_is_told_before_the_images_keeps_them():
    line, job = Line(), a_job()
    line.book.opened()
    line.book.add(job, submitted=True)
    interrupted = ErrorInfo(ErrorCode.INTERRUPTED, "The daemon ended before this job did.")
    line.book.received(JobFailed(job_id="a", seq=3, error=interrupted))
    assert line.requests() == [Attach]
    for event in images(1, 2):
        line.book.received(event)
    assert line.requests() == [Attach, Submit]
    line.book.received(JobFinished(job_id="a", seq=4))
    assert job.state == "finished"
    assert [event.index for event in job.events(timeout=0) if isinstance(event, JobResult)] == [0, 1]


def test_a_daemon_that_forgot_the_job_counts_from_one_again():
    line, job = Line(), a_job()
    line.book.opened()
    line.book.add(job, submitted=True)
    line.book.received(JobFinished(job_id="a", seq=5))
    error = ErrorInfo(ErrorCode.UNKNOWN_JOB, "There is no such job.")
    line.asked[0][1](Error(request_id=1, error=error))
    line.asked[1][1](JobStatus(request_id=2, job_id="a", state="queued"))
    for event in [*images(1), JobFinished(job_id="a", seq=2)]:
        line.book.received(event)
    assert job.state == "finished"
    assert len(list(job.events(timeout=0))) == 2
