"""The daemon frees the device for other programs, after a while by itself, and comes back to its jobs."""

import time

import psutil

from bridge.protocol.messages import Cancel, JobCancelled, JobFinished, JobQueued, Lend, Lent, Ping
from bridge.protocol.tasks import TextToImage
from tests.daemon.peer import Peer

TASK = TextToImage(prompt="a", width=64, height=64, steps=2, seed=1)


def finish(peer):
    while not isinstance(peer.receive(), JobFinished):
        pass


def iter_until(peer, kind):
    while not isinstance(message := peer.receive(), kind):
        yield message


def test_models_are_put_away_and_jobs_wait_until_the_device_is_asked_back(fresh_daemon):
    with Peer(fresh_daemon.url, fresh_daemon.token) as peer:
        peer.submit("before", TASK)
        finish(peer)
        lent = peer.ask(Lend, seconds=600)
        assert isinstance(lent, Lent)
        assert lent.freed > 0
        assert 590 < lent.seconds <= 600
        peer.submit("during", TASK)
        queued = peer.receive()
        assert isinstance(queued, JobQueued)
        assert queued.lent > 590
        pong = peer.ask(Ping)
        assert (pong.engine, pong.queued) == ("ready", 1)
        assert pong.lent > 590
        assert peer.ask(Lend, seconds=0) == Lent(request_id=5)
        finish(peer)
        assert peer.ask(Ping).lent == 0


def test_the_device_comes_back_by_itself(fresh_daemon):
    with Peer(fresh_daemon.url, fresh_daemon.token) as peer:
        peer.ask(Lend, seconds=0.2)
        peer.submit("after", TASK)
        finish(peer)


def test_the_job_that_runs_is_finished_first(fresh_daemon):
    with Peer(fresh_daemon.url, fresh_daemon.token) as peer:
        peer.submit("runs", TextToImage(prompt="a", width=64, height=64, steps=25, seed=1, images=2))
        while getattr(peer.receive(), "stage", "") != "denoising":
            pass
        peer.send(Lend(request_id=100, seconds=60))
        ends = [message for message in iter_until(peer, Lent) if isinstance(message, JobFinished)]
        assert len(ends) == 1


def test_a_client_that_waits_for_the_device_can_cancel_the_job_in_its_way(fresh_daemon):
    with Peer(fresh_daemon.url, fresh_daemon.token) as peer:
        peer.submit("runs", TextToImage(prompt="a", width=64, height=64, steps=150, seed=1, images=16))
        while getattr(peer.receive(), "stage", "") != "denoising":
            pass
        peer.send(Lend(request_id=100, seconds=60))
        peer.send(Cancel(request_id=101, job_id="runs"))
        assert any(isinstance(message, JobCancelled) for message in iter_until(peer, Lent))


def test_an_idle_daemon_puts_its_models_away(daemon_factory, tiny_model):
    daemon = daemon_factory("--model", str(tiny_model), "--idle-release", "0.005")
    with Peer(daemon.url, daemon.token) as peer:
        peer.submit("a", TASK)
        finish(peer)
        deadline = time.monotonic() + 60
        while "models put away after idling" not in daemon.log_file.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        peer.submit("b", TASK)
        finish(peer)
    daemon.stop()


def test_an_engine_that_dies_while_the_device_is_lent_is_no_problem(fresh_daemon):
    with Peer(fresh_daemon.url, fresh_daemon.token) as peer:
        peer.submit("a", TASK)
        finish(peer)
        pid = peer.ask(Ping).engine_pid
        peer.ask(Lend, seconds=600)
        psutil.Process(pid).kill()
        peer.ask(Lend, seconds=0)
        peer.submit("b", TASK)
        finish(peer)
