"""Frames of a live canvas, made by a real engine process, alone and in the middle of a job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.protocol.engine_link import Abort, Ended, Framed, ModelSource, Produced, Progressed, Run, Tick
from bridge.protocol.errors import ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Generation, ImageToImage, Inpaint, TextToImage
from tests.engine.bench import mask_picture, pixels, random_picture
from tests.engine.engine_peer import EnginePeer

CANVAS = random_picture(160, 96)
SKETCH = ImageToImage(prompt="a", image=CANVAS, strength=0.5, steps=4, seed=1)
JOB = TextToImage(prompt="a", width=64, height=64, seed=1, steps=60)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnginePeer]:
    with EnginePeer(tmp_path_factory.mktemp("pixels")) as peer:
        peer.ready()
        yield peer


@pytest.fixture
def source(models: dict[str, Path]) -> ModelSource:
    return ModelSource(id="tiny", location=str(models["sd"]), native_size=64, size_multiple=8)


def tick(name: str, source: ModelSource, task: Generation = SKETCH, **more: object) -> Tick:
    return Tick(job_id=name, task=task, model=source, **{"width": 80, "height": 48, **more})


def frame(peer: EnginePeer, order: Tick) -> Framed:
    peer.send(order)
    messages = peer.until(Ended)
    (framed,) = [message for message in messages if isinstance(message, Framed)]
    return framed


def layer_of(messages: list[object]) -> np.ndarray:
    (produced,) = [message for message in messages if isinstance(message, Produced)]
    return pixels(produced.layer.picture)


def test_a_frame_has_the_size_that_the_daemon_chose(peer: EnginePeer, source: ModelSource) -> None:
    (picture,) = frame(peer, tick("size", source)).pictures
    assert (picture.width, picture.height, picture.format) == (80, 48, PixelFormat.RGB8)


def test_every_watcher_s_size_is_made(peer: EnginePeer, source: ModelSource) -> None:
    pictures = frame(peer, tick("sides", source, sides=(0, 40))).pictures
    assert [(picture.width, picture.height) for picture in pictures] == [(80, 48), (40, 24)]


def test_the_stamps_are_in_the_order_of_the_making(peer: EnginePeer, source: ModelSource) -> None:
    stamps = frame(peer, tick("stamps", source)).stamps
    assert 0 < stamps.started <= stamps.encoded <= stamps.denoised <= stamps.decoded


def test_the_same_canvas_gives_the_same_frame(peer: EnginePeer, source: ModelSource) -> None:
    first, second = (frame(peer, tick(name, source)).pictures[0] for name in ("one", "two"))
    assert first == second


def test_only_what_is_masked_is_repainted(peer: EnginePeer, source: ModelSource) -> None:
    task = Inpaint(prompt="a", image=CANVAS, mask=mask_picture(160, 96, (80, 0, 80, 96)), seed=1, steps=4, strength=0.8)
    (picture,) = frame(peer, tick("mask", source, task)).pictures
    assert picture.format is PixelFormat.RGBA8
    alpha = pixels(picture)[..., 3]
    assert alpha[:, :36].max() == 0
    assert alpha[:, 44:].min() == 255


def test_a_frame_is_made_between_two_steps_of_a_job_and_changes_nothing_of_it(
    peer: EnginePeer, source: ModelSource
) -> None:
    peer.send(Run(job_id="alone", task=JOB, model=source))
    alone = layer_of(peer.until(Ended))
    # Of the same kind as the frame, so that both use the very same pipeline.
    for task in (JOB, replace(SKETCH, steps=60, strength=1.0)):
        peer.send(Run(job_id="before", task=task, model=source))
        before = layer_of(peer.until(Ended))
        peer.send(Run(job_id="job", task=task, model=source))
        peer.until(Progressed, stage="denoising", step=3)
        framed = frame(peer, tick("between", source))
        assert framed.job_id == "between"
        messages = peer.until(Ended, job_id="job")
        steps = [message.step for message in messages if isinstance(message, Progressed)]
        assert len(steps) > 10, "the job was not over when the frame was made"
        assert np.array_equal(layer_of(messages), before)
    assert np.array_equal(frame(peer, tick("again", source)).pictures[0].pixels, framed.pictures[0].pixels)
    peer.send(Run(job_id="after", task=JOB, model=source))
    assert np.array_equal(layer_of(peer.until(Ended)), alone)


def test_a_frame_of_another_model_is_made_in_the_middle_of_a_job_too(
    peer: EnginePeer, source: ModelSource, models: dict[str, Path]
) -> None:
    other = replace(source, id="other", location=str(models["other"]))
    peer.send(Run(job_id="job", task=JOB, model=source))
    peer.until(Progressed, stage="denoising", step=3)
    assert frame(peer, tick("other", other)).job_id == "other"
    assert peer.until(Ended)[-1].job_id == "job"


def test_a_job_that_has_changed_its_networks_is_not_interrupted(peer: EnginePeer, source: ModelSource) -> None:
    peer.send(Run(job_id="seamless", task=replace(JOB, seamless="xy"), model=source))
    peer.until(Progressed, stage="denoising", step=3)
    peer.send(tick("later", source))
    assert peer.until(Ended)[-1].job_id == "seamless"
    messages = peer.until(Ended)
    assert isinstance(messages[-2], Framed)
    assert messages[-2].pictures[0] == frame(peer, tick("again", source)).pictures[0]


def test_a_frame_that_fell_behind_is_given_up_at_the_next_step(peer: EnginePeer, source: ModelSource) -> None:
    peer.send(tick("stale", source, replace(SKETCH, steps=900, strength=1.0)))
    peer.send(Abort(job_id="stale"))
    ended = peer.until(Ended)[-1]
    assert ended.cancelled
    assert len(frame(peer, tick("fresh", source)).pictures) == 1


def test_what_is_wrong_with_a_frame_has_a_name(peer: EnginePeer, source: ModelSource) -> None:
    peer.send(tick("wrong", source, replace(SKETCH, scheduler="nonsense")))
    ended = peer.next()
    assert isinstance(ended, Ended)
    assert ended.error is not None
    assert ended.error.code is ErrorCode.INVALID_FIELD


def test_a_canvas_of_any_size_is_computed_in_sizes_that_the_model_likes(peer: EnginePeer, source: ModelSource) -> None:
    tiny = Picture(30, 10, PixelFormat.RGBA8, bytes(1200))
    (picture,) = frame(peer, tick("odd", source, replace(SKETCH, image=tiny), width=61, height=20)).pictures
    assert (picture.width, picture.height) == (64, 24)
