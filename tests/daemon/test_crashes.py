"""Engine, daemon and client are killed at every stage of a job: no finished result is lost, nothing hangs."""

import os
import signal
import time
from pathlib import Path

import pytest

from bridge.protocol.errors import ErrorCode
from bridge.protocol.messages import (
    Attach,
    Cancel,
    FetchResult,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobNotice,
    JobResult,
    JobStatus,
    ListJobs,
    Ping,
)
from tests.daemon.peer import Peer, long_one, small

STAGES = [("loading", 0), ("denoising", 0), ("denoising", 3), ("decoding", 0)]


def engine_pid(peer: Peer) -> int:
    """The engine's process, once it is ready."""
    while True:
        pid = peer.ask(Ping).engine_pid
        if pid:
            return pid
        time.sleep(0.05)


@pytest.mark.parametrize(("stage", "step"), STAGES, ids=lambda value: str(value))
def test_an_engine_killed_once_costs_a_retry_and_nothing_else(fresh_daemon, stage, step):
    with Peer(fresh_daemon.url, fresh_daemon.token) as peer:
        pid = engine_pid(peer)
        peer.submit("victim", small(steps=20, seed=3))
        peer.at_stage("victim", stage, step)
        os.kill(pid, signal.SIGKILL)
        events = peer.events("victim")
        assert isinstance(events[-1], JobFinished)
        notices = [event.notice.code for event in events if isinstance(event, JobNotice)]
        # A job may have been done when the signal came; then there was nothing to retry.
        assert notices in ([ErrorCode.ENGINE_CRASHED], [])
        assert len({event.index for event in events if isinstance(event, JobResult)}) == 1
        assert engine_pid(peer) != pid


def test_an_engine_killed_twice_fails_the_job_by_name_and_the_next_job_runs(fresh_daemon):
    with Peer(fresh_daemon.url, fresh_daemon.token) as peer:
        peer.submit("victim", long_one())
        for _ in range(2):
            peer.at_stage("victim", "denoising", 1)
            os.kill(engine_pid(peer), signal.SIGKILL)
            time.sleep(0.3)
        failed = peer.events("victim")[-1]
        assert isinstance(failed, JobFailed)
        assert failed.error.code is ErrorCode.ENGINE_CRASHED
        peer.submit("next", small())
        assert isinstance(peer.events("next")[-1], JobFinished)


def test_images_that_were_done_before_the_crash_are_not_made_again(fresh_daemon):
    with Peer(fresh_daemon.url, fresh_daemon.token) as peer:
        peer.submit("victim", small(images=3, steps=12))
        first = peer.wait_for(JobResult, "victim", index=0)
        os.kill(engine_pid(peer), signal.SIGKILL)
        events = peer.events("victim")
        assert isinstance(events[-1], JobFinished)
        assert sorted(event.index for event in events if isinstance(event, JobResult)) == [1, 2]
        assert peer.ask(FetchResult, job_id="victim", index=0).layer == first.layer


def test_a_crash_leaves_other_sessions_and_waiting_jobs_alone(fresh_daemon):
    with (
        Peer(fresh_daemon.url, fresh_daemon.token) as victim,
        Peer(fresh_daemon.url, fresh_daemon.token) as bystander,
    ):
        pid = engine_pid(victim)
        victim.submit("victim", small(steps=20))
        bystander.submit("waiting", small())
        victim.at_stage("victim", "denoising", 1)
        os.kill(pid, signal.SIGKILL)
        assert isinstance(bystander.ask(Ping).queued, int)
        events = bystander.events("waiting")
        assert isinstance(events[-1], JobFinished)
        assert not [event for event in events if isinstance(event, JobNotice)]


def test_cancelling_while_the_engine_restarts_works_at_once(fresh_daemon):
    with Peer(fresh_daemon.url, fresh_daemon.token) as peer:
        pid = engine_pid(peer)
        peer.submit("victim", long_one())
        peer.at_stage("victim", "denoising", 1)
        os.kill(pid, signal.SIGKILL)
        peer.wait_for(JobNotice, "victim")
        peer.ask(Cancel, job_id="victim")
        assert isinstance(peer.events("victim")[-1], JobCancelled)


def test_cancelling_during_the_load_of_the_model_works(fresh_daemon):
    with Peer(fresh_daemon.url, fresh_daemon.token) as peer:
        peer.submit("victim", long_one())
        peer.at_stage("victim", "loading", 0)
        peer.ask(Cancel, job_id="victim")
        assert isinstance(peer.events("victim")[-1], JobCancelled)


@pytest.mark.parametrize(("stage", "step"), STAGES, ids=lambda value: str(value))
def test_a_daemon_killed_in_mid_job_keeps_what_was_finished_and_takes_the_job_again(
    daemon_factory, tiny_model, tmp_path, stage, step
):
    daemon = daemon_factory("--model", str(tiny_model), home=tmp_path)
    first = Peer(daemon.url, daemon.token)
    task = small(images=2, steps=12, seed=None)
    engine = engine_pid(first)
    first.submit("done", small())
    result = next(event for event in first.events("done") if isinstance(event, JobResult))
    if stage == "loading":  # the model must not be there yet
        daemon.stop()
        daemon.start()
        first = Peer(daemon.url, daemon.token, session=first.secret)
        engine = engine_pid(first)
    first.submit("victim", task)
    first.at_stage("victim", stage, step)
    daemon.kill()
    assert_gone(engine)
    daemon.start()
    with Peer(daemon.url, daemon.token, session=first.secret) as second:
        assert second.ask(FetchResult, job_id="done", index=0).layer == result.layer
        states = {job.job_id: job for job in second.ask(ListJobs).jobs}
        assert states["victim"].state == "failed"
        assert states["victim"].error.code is ErrorCode.INTERRUPTED
        again = second.submit("victim", task)
        assert isinstance(again, JobStatus)
        assert again.state == "queued"
        events = second.events("victim")
        assert isinstance(events[-1], JobFinished)
        second.ask(Attach, job_id="victim", after=0)
        replay = [event for event in second.events("victim") if isinstance(event, JobResult)]
        assert [event.index for event in replay] == [0, 1]
        assert replay[1].layer.seed == replay[0].layer.seed + 1
    daemon.stop()


def test_a_daemon_killed_between_two_images_keeps_the_first(daemon_factory, tiny_model, tmp_path):
    daemon = daemon_factory("--model", str(tiny_model), home=tmp_path)
    first = Peer(daemon.url, daemon.token)
    task = small(images=2, steps=30, seed=None)
    first.submit("victim", task)
    result = first.wait_for(JobResult, "victim", index=0)
    daemon.kill()
    daemon.start()
    with Peer(daemon.url, daemon.token, session=first.secret) as second:
        assert second.ask(FetchResult, job_id="victim", index=0).layer == result.layer
        status = second.submit("victim", task)
        assert status.last_seq >= 1
        made = [event.index for event in second.events("victim") if isinstance(event, JobResult)]
        assert made == [1]
    daemon.stop()


@pytest.mark.parametrize("moment", ["queued", "denoising", "after the result"])
def test_a_client_that_dies_loses_nothing(fresh_daemon, moment):
    victim = Peer(fresh_daemon.url, fresh_daemon.token)
    victim.submit("orphan", small(steps=12))
    if moment == "denoising":
        victim.at_stage("orphan", "denoising", 1)
    elif moment == "after the result":
        victim.wait_for(JobResult, "orphan")
    victim.socket.socket.close()  # no closing handshake, as after SIGKILL
    with Peer(fresh_daemon.url, fresh_daemon.token, session=victim.secret) as heir:
        heir.ask(Attach, job_id="orphan", after=0)
        events = heir.events("orphan")
        assert isinstance(events[-1], JobFinished)
        assert {event.index for event in events if isinstance(event, JobResult)} == {0}


def test_a_history_that_cannot_be_written_fails_the_job_and_not_the_daemon(fresh_daemon):
    pixels = fresh_daemon.home / "data" / "pixels"
    obstacles = [pixels / f"{number:02x}" for number in range(256)]
    for obstacle in obstacles:  # files where it wants folders: as on a full disk, the system refuses
        obstacle.touch()
    with Peer(fresh_daemon.url, fresh_daemon.token) as peer:
        peer.submit("refused", small())
        failed = peer.events("refused")[-1]
        assert isinstance(failed, JobFailed)
        assert failed.error.code is ErrorCode.INTERNAL
        assert "history cannot be written" in failed.error.message
        assert "disk" in failed.error.hint
        for obstacle in obstacles:
            obstacle.unlink()
        peer.submit("taken", small())
        assert isinstance(peer.events("taken")[-1], JobFinished)


def test_pixels_shared_with_the_engine_never_pile_up(fresh_daemon):
    folder = Path((fresh_daemon.home / "data" / "shared-pixels").read_text())
    with Peer(fresh_daemon.url, fresh_daemon.token) as peer:
        pid = engine_pid(peer)
        peer.submit("victim", small(steps=20), preview_side=64)
        peer.at_stage("victim", "denoising", 3)
        os.kill(pid, signal.SIGKILL)
        peer.events("victim")
        for number in range(3):
            peer.submit(f"job{number}", small(), preview_side=64)
            peer.events(f"job{number}")
        left = list(folder.iterdir())
        assert len(left) <= 1, "only what a killed engine was about to announce may be left"
    fresh_daemon.stop()
    assert not folder.exists()


def test_an_engine_that_cannot_start_fails_jobs_with_the_reason(daemon_factory, tiny_model, tmp_path):
    daemon = daemon_factory("--model", str(tiny_model), "--device", "no-such-device", home=tmp_path)
    with Peer(daemon.url, daemon.token) as peer:
        peer.submit("hopeless", small())
        failed = peer.events("hopeless")[-1]
        assert isinstance(failed, JobFailed)
        assert failed.error.code is ErrorCode.ENGINE_UNAVAILABLE
        assert "doctor" in failed.error.hint
    daemon.stop()


def assert_gone(pid: int) -> None:
    """A daemon that died never leaves an engine running."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError(f"the engine {pid} outlives its daemon")
