"""The client with the real daemon and a real engine on a tiny model, with every process killed once."""

from __future__ import annotations

import os
import signal
import time

import numpy
import pytest
from PIL import Image

from bridge.client import LinkSettings, connect, layer_to_numpy, layer_to_pil
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import JobEvent, JobFinished, JobPreview, JobProgress, JobResult
from bridge.protocol.tasks import TextToImage
from tests.ports import free_port

NOISE = numpy.random.default_rng(5).integers(0, 256, (64, 64, 3), dtype=numpy.uint8)
QUICK = {"seed": 3, "steps": 2}
RETRY = LinkSettings(first_retry=0.05, last_retry=0.2)
LONG = TextToImage(prompt="moss", images=3, seed=3, steps=20, width=64, height=64)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from tests.tiny_models import build_tiny_sd

    return str(build_tiny_sd(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def running(daemon_factory, model):
    """One daemon for all tests, on a port that it keeps when it is started again."""
    return daemon_factory("--model", model, port=free_port())


@pytest.fixture(scope="module")
def undisturbed(running):
    """The images of `LONG` when nothing happens to anybody."""
    with connect(running.url, token=running.token) as bridge:
        return bridge.submit(LONG).result(300)


@pytest.fixture
def bridge(running):
    with connect(running.url, token=running.token, client_name="tests") as bridge:
        yield bridge


def test_the_daemon_is_found_without_being_named(running, monkeypatch):
    for name, value in running.environment.items():
        monkeypatch.setenv(name, value)
    with connect() as bridge:
        assert bridge.models[0].id == "tiny"
        assert bridge.list_models() == bridge.models
        assert bridge.ping().uptime > 0


def test_one_call_makes_a_picture(bridge):
    layer = bridge.generate("moss", width=96, height=64, **QUICK)
    assert layer_to_pil(layer).size == (96, 64)
    assert (layer.x, layer.y, layer.seed) == (0, 0, 3)


def test_several_images_come_as_a_list(bridge):
    layers = bridge.generate("moss", width=64, height=64, images=2, **QUICK)
    assert [layer.seed for layer in layers] == [3, 4]


def test_an_edit_of_strength_0_returns_the_input_exactly(bridge):
    layer = bridge.edit(NOISE, "moss", strength=0.0, **QUICK)
    assert (layer_to_numpy(layer)[..., :3] == NOISE).all()


def test_upscaling_enlarges_a_picture(bridge):
    layer = bridge.upscale(NOISE, scale=2, strength=0.5, **QUICK)
    assert layer_to_numpy(layer).shape[:2] == (128, 128)


def test_inpainting_touches_nothing_outside_its_mask(bridge):
    mask = numpy.zeros((64, 64), bool)
    mask[16:48, 16:48] = True
    sharp = {"grow": 0, "feather": 0, "blend": 0, "extent": "canvas"}
    layer = bridge.inpaint(Image.fromarray(NOISE), mask, "moss", **sharp, **QUICK)
    finished = layer_to_numpy(layer)
    assert (finished[~mask] == NOISE[~mask]).all()
    assert (finished[mask] != NOISE[mask]).any()


def test_outpainting_adds_what_was_asked_for(bridge):
    layer = bridge.outpaint(NOISE, "moss", left=16, top=8, extent="canvas", **QUICK)
    assert layer_to_numpy(layer).shape == (72, 80, 3)


def test_progress_and_previews_are_told_while_a_job_runs(bridge):
    events: list[JobEvent] = []
    bridge.generate(
        "moss", width=64, height=64, seed=3, steps=12, preview_side=32, on_event=lambda _, event: events.append(event)
    )
    steps = [event.step for event in events if isinstance(event, JobProgress) and event.stage == "denoising"]
    assert steps == sorted(steps)
    assert max(steps) == 12
    previews = [event.picture for event in events if isinstance(event, JobPreview)]
    assert previews
    assert all(max(picture.width, picture.height) <= 32 for picture in previews)
    assert isinstance(events[-1], JobFinished)


def test_a_job_that_is_cancelled_ends_and_the_daemon_takes_the_next(bridge):
    job = bridge.submit(LONG)
    next(event for event in job.events(120) if isinstance(event, JobProgress))
    job.cancel()
    with pytest.raises(BridgeError) as caught:
        job.result(300)
    assert caught.value.code is ErrorCode.CANCELLED
    assert bridge.generate("moss", width=64, height=64, **QUICK).seed == 3


def test_a_result_can_be_fetched_by_another_session(bridge, running):
    job = bridge.submit(TextToImage(prompt="moss", width=64, height=64, seed=3, steps=2))
    (layer,) = job.result(300)
    with connect(running.url, token=running.token) as other:
        result = other.fetch(job.id)
        assert result.layer == layer
        assert next(known for known in other.jobs() if known.job_id == job.id).mine is False
        with pytest.raises(BridgeError) as caught:
            other.fetch("nonesuch")
        assert caught.value.code is ErrorCode.UNKNOWN_JOB


def test_a_program_that_died_takes_its_jobs_up_again_with_its_session(running, bridge):
    secret = bridge.session
    job = bridge.submit(LONG)
    next(event for event in job.events(120) if isinstance(event, JobProgress))
    bridge.close()
    with connect(running.url, token=running.token, session=secret) as later:
        layers = later.attach(job.id).result(300)
        assert [layer.seed for layer in layers] == [3, 4, 5]


@pytest.mark.parametrize("stage", ["queued", "running", "after the first image", "before the end"])
@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_a_daemon_killed_at_any_stage_and_started_again_finishes_the_job(running, undisturbed, stage):
    """The very same images come, each once, although two daemons shared the work."""
    seen: list[JobEvent] = []
    with connect(running.url, token=running.token, settings=RETRY) as bridge:
        job = bridge.submit(LONG, on_event=lambda _, event: seen.append(event))
        for event in job.events(120):
            results = sum(isinstance(earlier, JobResult) for earlier in seen)
            if (
                stage == "queued"
                or (stage == "running" and isinstance(event, JobProgress) and event.step > 2)
                or (stage == "after the first image" and results == 1)
                or (stage == "before the end" and results == 3)
            ):
                break
        running.kill()
        running.start()
        layers = job.result(300)
    assert [layer.seed for layer in layers] == [3, 4, 5]
    assert [event.index for event in seen if isinstance(event, JobResult)] == [0, 1, 2]
    for pieced, whole in zip(layers, undisturbed, strict=True):
        assert pieced.picture == whole.picture


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_an_engine_killed_in_mid_job_is_noticed_and_the_job_still_comes(running, bridge):
    job = bridge.submit(LONG)
    next(event for event in job.events(120) if isinstance(event, JobProgress) and event.step > 2)
    os.kill(bridge.ping().engine_pid, signal.SIGKILL)
    assert [layer.seed for layer in job.result(300)] == [3, 4, 5]
    assert bridge.connected


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGSTOP is POSIX")
def test_a_daemon_that_hangs_is_noticed_and_taken_up_again_when_it_comes_to(running):
    settings = LinkSettings(ping_interval=0.2, ping_timeout=3, open_timeout=5, first_retry=0.05, last_retry=0.2)
    with connect(running.url, token=running.token, settings=settings) as bridge:
        bridge.generate("moss", width=64, height=64, **QUICK)
        running.process.send_signal(signal.SIGSTOP)
        try:
            job = bridge.submit(TextToImage(prompt="moss", width=64, height=64, seed=3, steps=2))
            wait_until(lambda: not bridge.connected)
            assert not job.ended
        finally:
            running.process.send_signal(signal.SIGCONT)
        assert job.result(300)[0].seed == 3


def wait_until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
