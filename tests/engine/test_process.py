"""The engine as the daemon meets it: a real process at the other end of two pipes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol.engine_link import (
    LENGTH,
    Abort,
    Ended,
    ModelSource,
    Noticed,
    Previewed,
    Produced,
    Progressed,
    Run,
    Shutdown,
)
from bridge.protocol.errors import ErrorCode
from bridge.protocol.frames import encode_frame
from bridge.protocol.tasks import Generation, Inpaint, TextToImage
from tests.engine.bench import Bench, mask_picture, pixels, random_picture
from tests.engine.engine_peer import EnginePeer

LONG = TextToImage(prompt="a", width=64, height=64, seed=1, steps=900)
SHORT = TextToImage(prompt="a", width=64, height=64, seed=1, steps=2)


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnginePeer]:
    """One engine for the tests after which it has to be as good as new."""
    with EnginePeer(tmp_path_factory.mktemp("pixels")) as peer:
        peer.ready()
        yield peer


@pytest.fixture
def source(models: dict[str, Path]) -> ModelSource:
    return ModelSource(id="tiny", location=str(models["sd"]), native_size=64, size_multiple=8)


def job(name: str, task: Generation, source: ModelSource, **more: int) -> Run:
    return Run(job_id=name, task=task, model=source, **more)


def test_it_says_what_it_is(tmp_path: Path) -> None:
    with EnginePeer(tmp_path) as peer:
        ready = peer.ready()
        assert ready.pid == peer.process.pid
        assert ready.device.startswith("CPU")
        assert 0 < ready.memory_free <= ready.memory_total
        assert "torch" in ready.versions
        assert "euler" in ready.schedulers
        peer.send(Shutdown())
        assert peer.exit_code() == 0


def test_a_job_gives_the_same_bytes_as_without_a_process(peer: EnginePeer, bench: Bench, source: ModelSource) -> None:
    image = random_picture(80, 72)
    task = Inpaint(
        prompt="a", image=image, mask=mask_picture(80, 72, (20, 20, 30, 30)), seed=3, steps=3, guidance_scale=5
    )
    peer.send(job("inpaint", task, source, preview_side=32))
    messages = peer.until(Ended)
    (produced,) = [message for message in messages if isinstance(message, Produced)]
    alone = bench.run(task).layer
    assert bytes(produced.layer.picture.pixels) == bytes(alone.picture.pixels)
    assert (produced.layer.x, produced.layer.y) == (alone.x, alone.y)
    assert any(isinstance(message, Previewed) for message in messages)
    assert messages[-1].error is None


@pytest.mark.parametrize("step", [0, 1, 5])
def test_an_abort_takes_effect_within_one_step(peer: EnginePeer, source: ModelSource, step: int) -> None:
    peer.send(job(f"long-{step}", LONG, source))
    peer.until(Progressed, stage="denoising", step=step)
    peer.send(Abort(job_id=f"long-{step}"))
    after = peer.until(Ended)
    assert after[-1].cancelled
    assert after[-1].error is None
    # Steps that were on their way in the pipe when the abort was sent do not count; all nine hundred would.
    assert len(after) < 200
    assert not any(isinstance(message, Produced) for message in after)
    peer.send(job(f"next-{step}", SHORT, source))
    assert peer.until(Ended)[-1].error is None


@pytest.mark.parametrize("stage", ["loading", "encoding", "denoising", "decoding", "finishing"])
def test_an_abort_takes_effect_in_every_stage(tmp_path: Path, source: ModelSource, stage: str) -> None:
    with EnginePeer(tmp_path, faults=f"sleep=0.5@{stage}") as peer:
        peer.ready()
        peer.send(job("first", SHORT, source))
        peer.until(Progressed, stage=stage)
        peer.send(Abort(job_id="first"))
        messages = peer.until(Ended)
        assert messages[-1].cancelled
        assert not any(isinstance(message, Produced) for message in messages)
        assert not any(isinstance(m, Progressed) and m.stage != stage for m in messages)
        peer.send(job("second", SHORT, source))
        assert any(isinstance(message, Produced) for message in peer.until(Ended))


def test_an_abort_before_the_engine_is_ready_is_kept(tmp_path: Path, source: ModelSource) -> None:
    with EnginePeer(tmp_path) as peer:
        peer.send(job("early", LONG, source))
        peer.send(Abort(job_id="early"))
        peer.ready()
        assert peer.until(Ended, job_id="early")[-1].cancelled


def test_an_abort_of_a_job_that_is_over_or_unknown_does_nothing(peer: EnginePeer, source: ModelSource) -> None:
    peer.send(Abort(job_id="never"))
    peer.send(job("again", SHORT, source))
    assert not peer.until(Ended)[-1].cancelled
    peer.send(Abort(job_id="again"))
    peer.send(job("again", SHORT, source))
    assert not peer.until(Ended)[-1].cancelled


@pytest.mark.parametrize("stage", ["loading", "denoising", "decoding"])
def test_the_end_of_the_pipe_ends_the_engine_in_mid_job(tmp_path: Path, source: ModelSource, stage: str) -> None:
    # The sleep stands for a call into a library that looks at no flag.
    with EnginePeer(tmp_path, faults=f"sleep=50@{stage}") as peer:
        peer.ready()
        peer.send(job("job", LONG if stage == "denoising" else SHORT, source))
        peer.until(Progressed, stage=stage)
        peer.process.stdin.close()
        assert peer.process.wait(timeout=20) == 0


def test_the_end_of_the_pipe_ends_an_idle_engine(tmp_path: Path) -> None:
    with EnginePeer(tmp_path) as peer:
        peer.ready()
        peer.process.stdin.close()
        assert peer.exit_code() == 0


def test_the_end_of_the_pipe_ends_an_engine_that_is_still_importing(tmp_path: Path) -> None:
    with EnginePeer(tmp_path) as peer:
        peer.process.stdin.close()
        assert peer.exit_code() == 0


def test_a_job_with_pixels_that_are_gone_fails_and_the_engine_lives_on(peer: EnginePeer, source: ModelSource) -> None:
    task = Inpaint(image=peer.shared.adopt(random_picture(64, 64)), mask=mask_picture(64, 64, (0, 0, 9, 9)), seed=1)
    peer.shared.remove(task.image.name)
    peer.send(job("gone", task, source))
    ended = peer.until(Ended)[-1]
    assert ended.job_id == "gone"
    assert ended.error.code is ErrorCode.INTERNAL
    peer.send(job("fine", SHORT, source))
    assert peer.until(Ended)[-1].error is None


def test_an_engine_that_cannot_understand_the_daemon_ends(tmp_path: Path) -> None:
    with EnginePeer(tmp_path) as peer:
        peer.ready()
        frame = encode_frame({"type": "nonsense", "body": {}})
        peer.send_bytes(LENGTH.pack(len(frame)) + frame)
        assert peer.exit_code() == 0


def test_an_unexpected_problem_is_named_and_the_engine_lives_on(tmp_path: Path, source: ModelSource) -> None:
    with EnginePeer(tmp_path, faults="error@decoding") as peer:
        peer.ready()
        peer.send(job("bad", SHORT, source))
        error = peer.until(Ended)[-1].error
        assert error.code is ErrorCode.INTERNAL
        assert "RuntimeError: a fault made on purpose" in error.message
        peer.send(job("good", SHORT, source))
        assert peer.until(Ended)[-1].error is None
        assert "Traceback" in peer.log.read_text()


def test_a_shortage_of_memory_is_announced_and_overcome(tmp_path: Path, source: ModelSource) -> None:
    with EnginePeer(tmp_path, faults="out_of_memory@decoding*2") as peer:
        peer.ready()
        peer.send(job("short", SHORT, source))
        messages = peer.until(Ended)
        assert len([message for message in messages if isinstance(message, Noticed)]) == 2
        (produced,) = [message for message in messages if isinstance(message, Produced)]
        assert produced.layer.recipe["savings"] == ["freed_caches", "vae_tiling"]
        assert pixels(produced.layer.picture).shape == (64, 64, 4)


def test_an_engine_that_crashes_leaves_finished_pictures_behind(tmp_path: Path, source: ModelSource) -> None:
    with EnginePeer(tmp_path, faults="crash@finishing") as peer:
        peer.ready()
        peer.send(job("job", SHORT, source))
        assert peer.exit_code() == 86


def test_what_libraries_print_does_not_reach_the_pipe(
    tmp_path: Path, source: ModelSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = "import threading\nthreading.Timer(1, lambda: print('hello from a library', flush=True)).start()\n"
    (tmp_path / "sitecustomize.py").write_text(talk)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with EnginePeer(tmp_path / "pixels") as peer:
        peer.ready()
        peer.send(job("job", SHORT, source))
        assert peer.until(Ended)[-1].error is None
        assert "hello from a library" in peer.log.read_text()


@pytest.mark.skipif(sys.platform == "darwin", reason="the device is there")
def test_a_device_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with EnginePeer(tmp_path, device="mps") as peer:
        assert peer.exit_code() == 1
        assert "There is no mps device here." in peer.log.read_text()


def test_the_probe_prints_one_json_object() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bridge.engine", "--probe"], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["torch"]
    assert found["device"] in ("cpu", "cuda", "mps")
    assert 0 < found["memory_free"] <= found["memory_total"]


def test_importing_the_package_is_light() -> None:
    code = "import sys, bridge.engine, bridge.engine.link; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
