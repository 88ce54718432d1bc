"""Jobs under way, and what is said of those that wait."""

from __future__ import annotations

from latent_bridge.form import Form
from latent_bridge.jobs import Jobs, Pending
from latent_bridge.request import Rect, make_plan

from bridge.protocol.messages import JobFinished, JobProgress, JobQueued, JobResult
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Layer


def job(name: str, images: int = 1) -> Pending:
    form = Form(prompt=name, images=images)
    return Pending(name, object(), make_plan(Rect(0, 0, 8, 8), None, form, 512), form)


def test_the_oldest_is_in_front_and_the_next_takes_its_place():
    jobs = Jobs().added(job("a")).added(job("b"))
    assert jobs.front.job_id == "a"
    assert jobs.without("a").front.job_id == "b"
    assert jobs.without("a").without("b").front is None


def test_a_line_tells_position_progress_and_prompt():
    jobs = Jobs().added(job("a"))
    assert jobs.front.line == "Waiting · a"
    jobs = jobs.happened(JobQueued(job_id="a", seq=1, position=2))
    assert jobs.front.line == "2 before it · a"
    jobs = jobs.happened(JobProgress(job_id="a", seq=1, stage="denoising", step=3, steps=20, eta=4.0))
    assert "step 3 of 20 · 4 s left" in jobs.front.line


def test_a_job_is_complete_when_all_images_are_there():
    jobs = Jobs().added(job("a", images=2)).added(job("b"))
    result = JobResult(job_id="a", seq=1, index=0, layer=Layer(Picture(1, 1, PixelFormat.BGRA8, bytes(4))))
    jobs = jobs.happened(result)
    assert not jobs.front.complete
    jobs = jobs.happened(result)
    assert jobs.front.complete
    assert not jobs.find("b").complete


def test_other_events_change_nothing():
    jobs = Jobs().added(job("a"))
    assert jobs.happened(JobFinished(job_id="a", seq=2)) == jobs
