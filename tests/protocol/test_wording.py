"""How progress reads in a line."""

from __future__ import annotations

import pytest

from bridge.protocol.messages import JobProgress
from bridge.protocol.wording import progress_share, progress_text, remaining_text, size_text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "nearly done"), (1, "1 s left"), (3.1, "4 s left"), (89, "89 s left"), (91, "2 min left")],
)
def test_remaining_time_is_never_more_exact_than_it_can_be(seconds: float, text: str):
    assert remaining_text(seconds) == text


def test_stage_step_and_time_are_told():
    progress = JobProgress(job_id="j", seq=0, stage="denoising", step=7, steps=20, eta=3.2)
    assert progress_text(progress) == "Denoising, step 7 of 20 · 4 s left"


def test_without_an_estimate_only_the_stage_is_told():
    assert progress_text(JobProgress(job_id="j", seq=0, stage="decoding")) == "Decoding…"


def test_a_download_tells_its_bytes_and_the_bar_is_its_own():
    progress = JobProgress(job_id="j", seq=0, stage="downloading", bytes_done=1_725_000_000, bytes_total=6_900_000_000)
    assert progress_text(progress) == "Downloading the model, 1.7 of 6.9 GB…"
    assert progress_share(progress) == 0.25


def test_a_bar_shows_the_job_and_nothing_that_cannot_be_told():
    assert progress_share(JobProgress(job_id="j", seq=0, stage="denoising", fraction=0.4)) == 0.4
    assert progress_share(JobProgress(job_id="j", seq=0, stage="loading", fraction=0.4)) is None
    assert progress_share(JobProgress(job_id="j", seq=0, stage="downloading")) is None


def test_sizes_are_given_as_shops_give_them():
    assert (size_text(6_938_040_682), size_text(547_696)) == ("6.9 GB", "0.5 MB")
