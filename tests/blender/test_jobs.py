"""What the panel shows of a job, as a sequence of states, and the journal that outlives Blender."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from blender_addon.jobs import Goal, JobView, Phase, Target, Variant
from blender_addon.journal import Entry, Journal
from blender_addon.progress import failure_line, progress_line, running
from blender_addon.requests import Wishes, inpaint, outpaint

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import (
    ErrorInfo,
    JobCancelled,
    JobFailed,
    JobNotice,
    JobPreview,
    JobProgress,
    JobQueued,
)
from bridge.protocol.pixels import Picture, PixelFormat

TARGET = Target(Goal.TEXTURE, object="Cube")
JOB = JobView("j", "moss", TARGET)
PIXEL = Picture(1, 1, PixelFormat.RGB8, bytes(3))


def variant(index: int) -> Variant:
    """A result."""
    return Variant(index, 1, 1, seed=7 + index)


class TestJob:
    """From event to event."""

    def test_waiting_tells_how_many_are_before_it(self):
        assert JOB.happened(JobQueued(job_id="j", seq=0, position=2)).text == "Waiting: 2 before it"

    def test_running_tells_the_step(self):
        event = JobProgress(job_id="j", seq=0, stage="denoising", step=2, steps=8, fraction=0.25)
        job = JOB.happened(event)
        assert (job.phase, job.fraction, job.text) == (Phase.RUNNING, 0.25, "Denoising, step 2 of 8…")

    def test_previews_are_shown_until_the_end(self):
        job = JOB.happened(JobPreview(job_id="j", seq=0, picture=PIXEL))
        assert job.preview is PIXEL
        assert job.made(variant(0)).finished().preview is None

    def test_one_image_is_finished_and_several_are_offered_in_order(self):
        assert JOB.made(variant(0)).finished().phase is Phase.FINISHED
        several = JOB.made(variant(1)).made(variant(0)).made(variant(0)).finished()
        assert (several.phase, [each.index for each in several.variants]) == (Phase.CHOOSING, [0, 1])

    def test_the_filter_holding_everything_back_is_a_failure(self):
        assert JOB.finished().phase is Phase.FAILED

    def test_a_notice_does_not_end_it(self):
        notice = ErrorInfo(ErrorCode.OUT_OF_MEMORY, "Computed in tiles.", "Close something.")
        job = JOB.happened(JobNotice(job_id="j", seq=1, notice=notice))
        assert (job.over, job.error, job.hint) == (False, "Computed in tiles.", "Close something.")

    def test_a_failure_tells_why_and_what_to_do(self):
        error = ErrorInfo(ErrorCode.UNKNOWN_MODEL, "There is no such model.", "Choose another.")
        job = JOB.happened(JobFailed(job_id="j", seq=1, error=error))
        assert (job.phase, job.error, job.hint) == (Phase.FAILED, "There is no such model.", "Choose another.")

    def test_while_cancelling_progress_is_not_shown_any_more(self):
        job = JOB.cancelling().happened(JobProgress(job_id="j", seq=0, stage="denoising", fraction=0.5))
        assert job.phase is Phase.CANCELLING
        assert job.happened(JobCancelled(job_id="j", seq=1)).phase is Phase.CANCELLED

    def test_what_is_over_stays_over(self):
        done = JOB.made(variant(0)).finished()
        assert done.happened(JobCancelled(job_id="j", seq=9)) == done.cancelling() == done


class TestJournal:
    """Jobs on disk."""

    def test_the_journal_of_a_dead_blender_is_adopted_with_its_session(self, tmp_path: Path):
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        left = Journal(tmp_path / f"jobs-{ended.pid}.json", "a-secret-of-long-ago", {})
        left.add(Entry("j", "moss", 2, TARGET))
        found = Journal.open(tmp_path)
        assert (found.session, found.entries["j"].target) == ("a-secret-of-long-ago", TARGET)
        assert not left.path.exists()
        found.remove("j")
        assert list(tmp_path.iterdir()) == []

    def test_the_journal_of_a_living_blender_is_left_alone(self, tmp_path: Path):
        Journal(tmp_path / f"jobs-{os.getppid()}.json", "of-a-neighbour-who-lives", {}).add(
            Entry("j", "moss", 1, TARGET)
        )
        assert Journal.open(tmp_path).entries == {}

    @pytest.mark.parametrize("text", ["", "{}", "[1]", '{"session": "s", "jobs": [{"job_id": "j"}]}'])
    def test_a_broken_journal_is_passed_over(self, tmp_path: Path, text: str):
        (tmp_path / "jobs-0.json").write_text(text)
        assert Journal.open(tmp_path).entries == {}

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
    def test_nobody_else_may_read_the_session(self, tmp_path: Path):
        journal = Journal.open(tmp_path)
        journal.add(Entry("j", "moss", 1, TARGET))
        assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
        assert json.loads(journal.path.read_text())["session"] == journal.session

    def test_jobs_of_a_file_that_was_saved_are_found_by_its_path(self, tmp_path: Path):
        journal = Journal.open(tmp_path)
        journal.add(Entry("j", "moss", 1, TARGET))
        journal.move("j", Target(Goal.TEXTURE, blend="/x.blend", object="Cube"))
        assert Journal.open(tmp_path).entries["j"].target.blend == "/x.blend"


class TestLine:
    """All jobs in a line, as the status bar shows them."""

    def test_the_one_that_runs_is_told_with_how_many_wait(self):
        runs = replace(JOB, phase=Phase.RUNNING, fraction=0.45, part="View 2 of 8")
        assert progress_line([JobView("k", "sand", TARGET), runs]) == "moss, view 2 of 8, 45%, 1 more"
        assert progress_line([JobView("k", "sand", TARGET)]) == "sand, sending"
        assert progress_line([replace(JOB, phase=Phase.FINISHED)]) == ""

    def test_the_running_job_is_one_that_is_worked_on_and_no_part_of_another(self):
        whole, part = replace(JOB, phase=Phase.RUNNING), replace(JOB, id="p", phase=Phase.RUNNING, within="j")
        assert running([JobView("k", "sand", TARGET), part, whole]) is whole
        assert running([replace(whole, phase=Phase.CANCELLING)]) is None
        assert running([JOB, JobView("k", "sand", TARGET)]) is JOB

    def test_the_last_failure_stays_until_it_is_dismissed(self):
        failed = [replace(JOB, phase=Phase.FAILED, title=name * 60, error="No memory.") for name in "ab"]
        assert failure_line([*failed, JOB]) == f"{'b' * 39}…: No memory."
        assert failure_line([JOB], "The GPU was not freed.") == "The GPU was not freed."
        assert failure_line([JOB]) == ""


class TestRequests:
    """What is refused before anything is sent."""

    IMAGE = Picture(2, 2, PixelFormat.RGBA8, bytes(16))

    def test_a_mask_of_another_size(self):
        with pytest.raises(BridgeError, match="1 × 1"):
            inpaint(Wishes(), self.IMAGE, Picture(1, 1, PixelFormat.GRAY8, b"\xff"))

    def test_growing_no_side(self):
        with pytest.raises(BridgeError, match="No side grows"):
            outpaint(Wishes(), self.IMAGE, (0, 0, 0, 0))
