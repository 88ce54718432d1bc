"""How progress reads in a line."""

from __future__ import annotations

import pytest

from bridge.protocol.messages import JobProgress
from bridge.protocol.wording import progress_text, remaining_text


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
