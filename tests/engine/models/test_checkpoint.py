"""A checkpoint in a single file paints what the folder paints of which it was made."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge.daemon.catalogue import Catalogue
from bridge.engine.models.checkpoint import open_checkpoint
from bridge.engine.models.fingerprint import Fingerprints
from bridge.engine.models.loading import load_model
from bridge.protocol.engine_link import ModelSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import TextToImage
from tests.engine.bench import Bench, pixels
from tests.tiny_checkpoints import build_wide_sd, save_as_checkpoint

TASK = TextToImage("moss", width=64, height=64, seed=3)


class FileBench(Bench):
    """A bench whose models are those of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__({})
        self.catalogue = catalogue

    def source(self, model: str, native_size: int = 64) -> ModelSource:
        source = self.catalogue.find(model).source
        return dataclasses.replace(source, native_size=native_size, steps=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models: one in the diffusers layout, the same as a file, and another as a file without its text."""
    root = tmp_path_factory.mktemp("checkpoints")
    build_wide_sd(root / "whole")
    save_as_checkpoint(root / "whole", root / "same.safetensors")
    other = build_wide_sd(root.parent / "elsewhere", seed=5)
    save_as_checkpoint(other, root / "checkpoints" / "other.safetensors", text=False)
    return root


@pytest.fixture(scope="module")
def file_bench(folder: Path) -> FileBench:
    return FileBench(Catalogue((), (folder,)))


def test_the_file_paints_the_same_picture_as_the_folder(file_bench: FileBench) -> None:
    whole = file_bench.run(TASK, "whole").layer
    same = file_bench.run(TASK, "same").layer
    np.testing.assert_array_equal(pixels(same.picture), pixels(whole.picture))
    assert same.recipe["model"]["id"] == "same"
    assert same.recipe["model"]["hash"] != whole.recipe["model"]["hash"]


def test_the_settings_of_a_folder_are_enough_for_a_file_that_has_all_parts(
    file_bench: FileBench, folder: Path, tmp_path: Path
) -> None:
    settings = shutil.copytree(folder / "whole", tmp_path / "settings", ignore=shutil.ignore_patterns("*.safetensors"))
    source = dataclasses.replace(file_bench.source("same"), base=str(settings))
    model = load_model(source, file_bench.device, Fingerprints().start, lambda: None)
    expected = file_bench.shelf.get(file_bench.source("whole"), lambda: None)
    for name in ("unet", "vae", "text_encoder"):
        for key, tensor in getattr(expected.base, name).state_dict().items():
            assert torch.equal(getattr(model.base, name).state_dict()[key], tensor)


def test_a_file_without_text_encoder_takes_that_of_the_folder(file_bench: FileBench) -> None:
    other = file_bench.run(TASK, "other").layer
    assert (pixels(other.picture) != pixels(file_bench.run(TASK, "whole").layer.picture)).any()
    assert open_checkpoint(Path(file_bench.source("other").location)).parts == {"denoiser", "vae"}


def test_a_file_that_changed_under_the_catalogue_is_refused(folder: Path, tmp_path: Path) -> None:
    build_wide_sd(tmp_path / "whole")
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes((folder / "same.safetensors").read_bytes())
    bench = FileBench(Catalogue((), (tmp_path,)))
    copy.write_bytes(copy.read_bytes()[:-50])
    outcome = bench.run(TASK, "copy")
    assert outcome.error is ErrorCode.MODEL_UNUSABLE
    assert "get it again" in outcome.ended.error.message


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    (tmp_path / "old.ckpt").write_bytes(b"\x80\x04.")
    with pytest.raises(BridgeError) as caught:
        open_checkpoint(tmp_path / "old.ckpt")
    assert "pickle" in caught.value.message
