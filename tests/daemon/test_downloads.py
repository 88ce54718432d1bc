"""A hub's model comes with the first job that wants it, and the engine does others meanwhile. The hub is a stand-in."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bridge.hub.cache import complete_snapshot
from bridge.protocol.errors import ErrorCode
from bridge.protocol.messages import (
    Attach,
    Cancel,
    JobCancelled,
    JobEvent,
    JobFailed,
    JobFinished,
    JobProgress,
    JobResult,
    ListModels,
    Models,
    Ping,
    Pong,
)
from tests.conftest import DaemonFactory, RunningDaemon
from tests.daemon.peer import Peer, small
from tests.standin_hub import StandInHub

UNET = "unet/diffusion_pytorch_model.safetensors"
HALFWAY = 100_000


@pytest.fixture(scope="module")
def hub(tiny_model: Path) -> Iterator[StandInHub]:
    serving = StandInHub({"tiny/model": tiny_model, "tiny/other": tiny_model})
    yield serving
    serving.close()


@pytest.fixture(scope="module")
def hub_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub home")


@pytest.fixture(scope="module")
def online(daemon_factory: DaemonFactory, hub: StandInHub, hub_home: Path, tiny_model: Path) -> Iterator[RunningDaemon]:
    """A daemon that may reach the stand-in, with a cache of its own and a model that is here already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        patch.setenv("HF_HUB_OFFLINE", "0")
        patch.setenv("HF_HOME", str(hub_home))
        names = (str(tiny_model), "tiny/model", "tiny/other", "tiny/missing")
        daemon = daemon_factory(*(part for name in names for part in ("--model", name)))
    yield daemon
    daemon.stop()


@pytest.fixture(autouse=True)
def empty_cache(hub: StandInHub, hub_home: Path) -> None:
    hub.behave()
    shutil.rmtree(hub_home / "hub", ignore_errors=True)


def wanted(model: str = "tiny/model", **fields: object) -> object:
    return small(model=model, steps=2, **fields)


def events_of(daemon: RunningDaemon, job: str, model: str = "tiny/model") -> list[JobEvent]:
    with Peer(daemon.url, daemon.token) as peer:
        peer.submit(job, wanted(model))
        return peer.events(job)


def downloading(events: list[JobEvent]) -> list[JobProgress]:
    return [event for event in events if isinstance(event, JobProgress) and event.stage == "downloading"]


def until_stored(peer: Peer, job: str, hub: StandInHub) -> None:
    """Wait until all is on the disk that the hub lets go of."""
    folder = hub.repositories["tiny/model"]
    rest = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) - (folder / UNET).stat().st_size
    while True:
        event = peer.wait_for(JobProgress, job, stage="downloading")
        if isinstance(event, JobProgress) and event.bytes_done > rest:
            return


def test_the_first_job_downloads_its_model_and_shows_how_far_it_is(online: RunningDaemon, hub: StandInHub) -> None:
    events = events_of(online, "first")
    assert isinstance(events[-1], JobFinished)
    shown = downloading(events)
    done = [event.bytes_done for event in shown]
    assert done == sorted(done)
    assert shown[-1].bytes_done == shown[-1].bytes_total == sum(hub.sent.values())
    with Peer(online.url, online.token) as peer:
        again = peer.ask(ListModels)
    assert isinstance(again, Models)
    info = next(info for info in again.models if info.id == "tiny/model")
    assert (info.family, info.downloaded, info.steps) == ("sd1", True, 25)
    assert info.weights_bytes > 0


def test_what_is_here_is_used_without_a_single_request(online: RunningDaemon, hub: StandInHub) -> None:
    events_of(online, "once")
    hub.requests.clear()
    again = events_of(online, "again")
    assert isinstance(again[-1], JobFinished)
    assert not downloading(again)
    assert hub.requests == []


def test_the_engine_does_other_jobs_meanwhile(online: RunningDaemon, hub: StandInHub) -> None:
    how = hub.behave(pause_at={UNET: HALFWAY})
    with Peer(online.url, online.token) as peer:
        peer.submit("slow", wanted())
        assert how.paused.wait(30)
        peer.submit("quick", small(steps=2))
        assert isinstance(peer.events("quick")[-1], JobFinished)
        how.go_on.set()
        assert isinstance(peer.events("slow")[-1], JobFinished)


def test_a_cancelled_download_ends_at_once_and_the_next_goes_on_where_it_was(
    online: RunningDaemon, hub: StandInHub
) -> None:
    how = hub.behave(pause_at={UNET: HALFWAY})
    with Peer(online.url, online.token) as peer:
        peer.submit("stopped", wanted())
        assert how.paused.wait(30)
        until_stored(peer, "stopped", hub)
        peer.ask(Cancel, job_id="stopped")
        assert isinstance(peer.events("stopped")[-1], JobCancelled)
    before = hub.sent[UNET]
    hub.behave()
    assert isinstance(events_of(online, "resumed")[-1], JobFinished)
    whole = (hub.repositories["tiny/model"] / UNET).stat().st_size
    assert before == HALFWAY
    # What was under way when the process ended is lost, but what was on the disk is not sent again.
    assert whole - HALFWAY <= hub.sent[UNET] < whole


def test_jobs_that_want_the_same_model_download_it_once(online: RunningDaemon, hub: StandInHub) -> None:
    how = hub.behave(pause_at={UNET: HALFWAY})
    with Peer(online.url, online.token) as one, Peer(online.url, online.token) as two:
        one.submit("one", wanted())
        assert how.paused.wait(30)
        two.submit("two", wanted(prompt="other"))
        two.at_stage("two", "downloading")
        one.ask(Cancel, job_id="one")
        assert isinstance(one.events("one")[-1], JobCancelled)
        how.go_on.set()
        assert isinstance(two.events("two")[-1], JobFinished)
    assert hub.sent[UNET] == (hub.repositories["tiny/model"] / UNET).stat().st_size


def test_an_engine_that_dies_does_not_disturb_a_download(online: RunningDaemon, hub: StandInHub) -> None:
    how = hub.behave(pause_at={UNET: HALFWAY})
    with Peer(online.url, online.token) as peer:
        peer.submit("calm", wanted())
        assert how.paused.wait(30)
        state = peer.ask(Ping)
        assert isinstance(state, Pong)
        os.kill(state.engine_pid, signal.SIGKILL)
        how.go_on.set()
        events = peer.events("calm")
    assert isinstance(events[-1], JobFinished)
    assert any(isinstance(event, JobResult) for event in events)
    assert hub.sent[UNET] == (hub.repositories["tiny/model"] / UNET).stat().st_size


def test_what_the_hub_does_not_have_fails_the_job_with_a_hint(online: RunningDaemon) -> None:
    last = events_of(online, "missing", "tiny/missing")[-1]
    assert isinstance(last, JobFailed)
    assert last.error.code is ErrorCode.MODEL_UNUSABLE
    assert "tiny/missing" in last.error.message
    assert last.error.hint


def test_a_model_that_was_stopped_half_way_is_offered_again(online: RunningDaemon, hub: StandInHub) -> None:
    hub.behave(status={UNET: 500})
    last = events_of(online, "broken")[-1]
    assert isinstance(last, JobFailed)
    assert last.error.code is ErrorCode.DOWNLOAD_FAILED
    with Peer(online.url, online.token) as peer:
        models = peer.ask(ListModels)
    assert isinstance(models, Models)
    info = next(info for info in models.models if info.id == "tiny/model")
    assert (info.unusable, info.downloaded) == ("", False)


def test_a_daemon_that_ends_takes_its_downloads_with_it(
    daemon_factory: DaemonFactory, hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub home"))
    how = hub.behave(pause_at={UNET: HALFWAY})
    daemon = daemon_factory("--model", "tiny/model")
    session = "s" * 32
    with Peer(daemon.url, daemon.token, session) as peer:
        peer.submit("unlucky", wanted())
        assert how.paused.wait(30)
        children = psutil.Process(daemon.process.pid).children(recursive=True)
        assert any("bridge.hub" in child.cmdline() for child in children)
        daemon.kill()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    hub.behave()
    daemon.start()
    with Peer(daemon.url, daemon.token, session) as peer:
        peer.submit("unlucky", wanted())
        peer.ask(Attach, job_id="unlucky", after=0)
        assert isinstance(peer.events("unlucky")[-1], JobFinished)
    assert complete_snapshot(tmp_path / "hub home" / "hub", "tiny/model")
    daemon.stop()
