"""Models: what is loaded, and what is refused before anything of it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bridge.engine.cancellation import JobAborted
from bridge.engine.models.fingerprint import Fingerprints
from bridge.engine.models.folder import inspect_folder
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import TextToImage
from tests.engine.bench import Bench

TASK = TextToImage(prompt="a", width=64, height=64, seed=1, steps=1)


@pytest.fixture
def folder(models: dict[str, Path], tmp_path: Path) -> Path:
    """A model that a test may damage."""
    return Path(shutil.copytree(models["sd"], tmp_path / "model"))


def refusal(folder: Path) -> BridgeError:
    with pytest.raises(BridgeError) as caught:
        inspect_folder(folder)
    return caught.value


def test_a_sound_folder_is_described(folder: Path) -> None:
    found = inspect_folder(folder)
    assert found.pipeline_class == "StableDiffusionPipeline"
    assert {part.name for part in found.components} == {"unet", "vae", "text_encoder"}
    assert len(found.weight_files) == 3


@pytest.mark.parametrize("name", ["diffusion_pytorch_model.bin", "model.ckpt", "weights.pt"])
def test_a_pickle_is_refused_with_a_hint(bench: Bench, folder: Path, name: str) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(folder / "unet" / name)
    outcome = bench.run(TASK, str(folder))
    assert outcome.error is ErrorCode.UNSAFE_WEIGHTS
    assert "safe_serialization" in outcome.ended.error.hint


def test_a_pickle_beside_safetensors_does_no_harm(bench: Bench, folder: Path) -> None:
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"not even a pickle")
    assert bench.run(TASK, str(folder)).layer


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "tokenizer", "scheduler"])
def test_a_missing_part_is_named(bench: Bench, folder: Path, part: str) -> None:
    shutil.rmtree(folder / part)
    outcome = bench.run(TASK, str(folder))
    assert outcome.error is ErrorCode.MODEL_UNUSABLE
    assert part in outcome.ended.error.message


def test_a_file_that_was_cut_off_is_named_with_its_sizes(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    error = refusal(folder)
    assert error.code is ErrorCode.MODEL_UNUSABLE
    assert "diffusion_pytorch_model.safetensors" in error.message
    assert "get it again" in error.message


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 4, b"\xff" * 64, b"\x02\0\0\0\0\0\0\0[]", b"\x04\0\0\0\0\0\0\0{,,}"]
)
def test_a_file_that_is_no_safetensors_is_refused(folder: Path, content: bytes) -> None:
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(content)
    assert refusal(folder).code is ErrorCode.MODEL_UNUSABLE


def test_weights_of_another_shape_are_refused_in_one_line(bench: Bench, folder: Path) -> None:
    config = json.loads((folder / "unet" / "config.json").read_text())
    config["cross_attention_dim"] = 48
    (folder / "unet" / "config.json").write_text(json.dumps(config))
    outcome = bench.run(TASK, str(folder))
    assert outcome.error is ErrorCode.MODEL_UNUSABLE
    assert "unet" in outcome.ended.error.message
    assert "\n" not in outcome.ended.error.message


def test_a_part_that_needs_foreign_code_is_refused(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    index["unet"] = ["my_code", "Network"]
    (folder / "model_index.json").write_text(json.dumps(index))
    assert "not trusted" in refusal(folder).message


@pytest.mark.parametrize("content", ["", "[]", "{", '{"unet": [null, null]}'])
def test_a_broken_index_is_refused(folder: Path, content: str) -> None:
    (folder / "model_index.json").write_text(content)
    assert refusal(folder).code is ErrorCode.MODEL_UNUSABLE


def test_no_folder_no_index_and_a_single_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert "no such folder" in refusal(tmp_path / "nowhere").message
    assert "no model_index.json" in refusal(tmp_path).message
    assert "single file" in refusal(tmp_path / "model.safetensors").message


def test_a_missing_shard_is_named(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_name("diffusion_pytorch_model-00001-of-00002.safetensors"))
    assert "lacks diffusion_pytorch_model-00002-of-00002.safetensors" in refusal(folder).message


def test_weights_of_a_variant_alone_are_found(bench: Bench, folder: Path) -> None:
    for part, name in [
        ("unet", "diffusion_pytorch_model"),
        ("vae", "diffusion_pytorch_model"),
        ("text_encoder", "model"),
    ]:
        (folder / part / f"{name}.safetensors").rename(folder / part / f"{name}.fp16.safetensors")
    assert {part.variant for part in inspect_folder(folder).components} == {"fp16"}
    assert bench.run(TASK, str(folder)).layer


def test_a_model_that_cannot_be_used_leaves_the_others_alone(bench: Bench, tmp_path: Path) -> None:
    assert bench.run(TASK, str(tmp_path / "nowhere")).error is ErrorCode.MODEL_UNUSABLE
    assert bench.run(TASK).layer


def test_loading_can_be_stopped_between_parts(fresh_bench: Bench) -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise JobAborted

    with pytest.raises(JobAborted):
        fresh_bench.shelf.get(fresh_bench.source("sd"), check)
    assert not fresh_bench.shelf.holds(fresh_bench.source("sd"))
    assert fresh_bench.run(TASK).layer


def test_the_safety_checker_stays_out(bench: Bench) -> None:
    model = bench.shelf.get(bench.source("sd"), lambda: None)
    assert model.base.safety_checker is None


def test_pipelines_share_their_parts(bench: Bench) -> None:
    model = bench.shelf.get(bench.source("sd"), lambda: None)
    assert model.pipeline("image-to-image").unet is model.pipeline("text-to-image").unet


def test_a_file_is_hashed_again_when_it_changed_and_only_then(tmp_path: Path) -> None:
    file = tmp_path / "unet" / "a.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"one")
    hashes = Fingerprints()
    first = hashes.start(tmp_path, (file,)).result()
    assert hashes.start(tmp_path, (file,)).result() == first
    file.write_bytes(b"other")
    assert hashes.start(tmp_path, (file,)).result() != first
