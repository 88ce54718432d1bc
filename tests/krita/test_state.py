"""What the docker shows, as a sequence of states."""

from __future__ import annotations

import pytest
from latent_bridge.state import DockerState, Fix, Link, Phase

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import (
    ErrorInfo,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobNotice,
    JobPreview,
    JobProgress,
    JobQueued,
)
from bridge.protocol.pixels import Picture, PixelFormat

GONE = BridgeError(ErrorCode.NOT_CONNECTED, "No daemon answers.", hint="Start it.")
CONNECTED = DockerState().connecting().connected("latent-bridge 0.1.0")
RUNNING = CONNECTED.sending().happened(
    JobProgress(job_id="j", seq=1, stage="denoising", step=3, steps=20, fraction=0.2)
)


def progress(**fields: object) -> JobProgress:
    return JobProgress(**{"job_id": "j", "seq": 1, "stage": "denoising", **fields})


class TestConnection:
    def test_before_it_there_is_nothing_to_press(self):
        state = DockerState().connecting()
        assert (state.can_generate, state.can_cancel, state.can_start) == (False, False, False)
        assert state.link_text == "Connecting…"

    def test_connected_lets_generate(self):
        assert CONNECTED.can_generate
        assert CONNECTED.link_text == "Connected to latent-bridge 0.1.0"

    def test_an_absent_daemon_can_be_started(self):
        state = DockerState().connecting().disconnected(GONE)
        assert state.can_start
        assert "not running" in state.link_text
        assert not state.error

    def test_further_attempts_do_not_flicker(self):
        state = DockerState().connecting().disconnected(GONE)
        assert state.connecting() == state

    def test_a_refusal_says_why_and_offers_no_start(self):
        refused = BridgeError(ErrorCode.UNAUTHORISED, "The token was refused.", hint="Name the file.")
        state = CONNECTED.disconnected(refused)
        assert state.link is Link.REFUSED
        assert (state.error, state.hint) == ("The token was refused.", "Name the file.")
        assert not state.can_start

    def test_a_refusal_leads_to_the_settings_until_there_is_a_connection(self):
        for code in (ErrorCode.UNTRUSTED, ErrorCode.UNAUTHORISED, ErrorCode.INVALID_FIELD):
            refused = DockerState().disconnected(BridgeError(code, "Refused."))
            assert refused.fix is Fix.SETTINGS
            assert refused.connected("d").fix is Fix.NONE

    def test_a_daemon_elsewhere_is_named_and_cannot_be_started_here(self):
        state = CONNECTED.using("studio:47860").disconnected(GONE)
        assert state.link_text == "No daemon answers at studio:47860"
        assert not state.can_start
        assert (state.error, state.hint) == (GONE.message, GONE.hint)
        assert state.connected("d").link_text == "Connected to d at studio:47860"
        assert state.using("").disconnected(GONE).can_start

    def test_starting_lasts_until_the_daemon_answers(self):
        state = DockerState().connecting().disconnected(GONE).starting()
        assert state.disconnected(GONE).link is Link.STARTING
        assert state.connected("d").can_generate

    def test_a_failed_start_can_be_tried_again(self):
        state = DockerState().starting().start_failed("It is not installed.", "Install it.")
        assert state.can_start
        assert (state.error, state.hint) == ("It is not installed.", "Install it.")

    def test_a_new_connection_clears_what_the_lost_one_said(self):
        state = CONNECTED.disconnected(BridgeError(ErrorCode.BAD_FRAME, "Nonsense.")).connected("d")
        assert state.error == ""


class TestJob:
    def test_while_one_is_made_more_can_be_asked_for(self):
        state = CONNECTED.sending()
        assert (state.can_generate, state.can_cancel, state.why_not) == (True, True, "")

    def test_when_one_is_over_the_next_is_shown_as_it_stands(self):
        state = RUNNING.ended("New layer").next_one(progress(step=5, steps=9))
        assert (state.phase, state.text) == (Phase.RUNNING, "Denoising, step 5 of 9…")
        assert RUNNING.ended("New layer").next_one(None).text == "Waiting"

    def test_an_error_of_the_model_offers_another(self):
        error = ErrorInfo(ErrorCode.UNKNOWN_MODEL, "No such model.")
        assert RUNNING.happened(JobFailed(job_id="j", seq=2, error=error)).fix is Fix.DEFAULT_MODEL

    def test_waiting_tells_the_position(self):
        state = CONNECTED.sending().happened(JobQueued(job_id="j", seq=1, position=2))
        assert state.phase is Phase.QUEUED
        assert "2 before it" in state.text

    def test_progress_tells_step_and_time(self):
        state = CONNECTED.sending().happened(progress(step=7, steps=20, fraction=0.4, eta=3.2))
        assert state.text == "Denoising, step 7 of 20 · 4 s left"
        assert state.fraction == 0.4

    def test_loading_has_no_fraction(self):
        assert CONNECTED.sending().happened(progress(stage="loading")).fraction is None

    def test_a_failure_shows_its_hint_and_lets_generate_again(self):
        error = ErrorInfo(ErrorCode.OUT_OF_MEMORY, "Out of memory.", "Select less.")
        state = RUNNING.happened(JobFailed(job_id="j", seq=2, error=error))
        assert (state.error, state.hint) == ("Out of memory.", "Select less.")
        assert state.can_generate

    def test_the_next_job_clears_the_error_of_the_last(self):
        assert CONNECTED.failed("Bad.", "Do this.").sending().error == ""

    def test_a_notice_is_shown_while_the_job_goes_on(self):
        notice = ErrorInfo(ErrorCode.ENGINE_CRASHED, "The engine was restarted.")
        state = RUNNING.happened(JobNotice(job_id="j", seq=2, notice=notice))
        assert state.error == "The engine was restarted."
        assert state.busy

    def test_cancelling_waits_for_the_daemon(self):
        state = RUNNING.cancelling()
        assert state.phase is Phase.CANCELLING
        assert state.happened(progress(step=4)) == state
        assert state.happened(JobCancelled(job_id="j", seq=3)).text == "Cancelled"

    def test_cancelling_without_a_connection_lets_go_at_once(self):
        state = RUNNING.disconnected(GONE).cancelling()
        assert not state.busy

    def test_a_lost_daemon_is_told_and_the_job_kept(self):
        state = RUNNING.disconnected(GONE)
        assert state.busy
        assert "gone" in state.text
        assert state.can_start
        assert "latent-bridge serve" in state.hint
        assert state.connected("d").busy
        assert "gone" not in state.connected("d").text

    def test_events_of_a_job_that_was_let_go_change_nothing(self):
        assert CONNECTED.happened(progress(step=4)) == CONNECTED

    @pytest.mark.parametrize(
        "event",
        [
            JobFinished(job_id="j", seq=4),
            JobPreview(job_id="j", seq=4, picture=Picture(1, 1, PixelFormat.RGB8, bytes(3))),
        ],
    )
    def test_what_the_docker_has_no_place_for_changes_nothing(self, event):
        assert RUNNING.happened(event) == RUNNING

    def test_the_end_says_what_came_of_it(self):
        state = RUNNING.ended("New layer, seed 7")
        assert (state.text, state.can_generate) == ("New layer, seed 7", True)
