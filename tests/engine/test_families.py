"""Every family that can be made tiny runs every task that the table says it can, with its real diffusers classes.

Not here: Flux.2 with Mistral and Qwen-Image-Edit, whose processors of pictures need torchvision. They are in the table
by what their classes ask for, and untried.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge.engine.latents import decode_latents, encode_pixels
from bridge.protocol.engine_link import ModelSource
from bridge.protocol.families import FAMILIES
from bridge.protocol.tasks import Generation, ImageToImage, Inpaint, Outpaint, Region, TextToImage
from tests.conftest import DaemonFactory
from tests.daemon.peer import Peer
from tests.engine.adapters.outcomes import same
from tests.engine.bench import Bench, mask_picture, pixels, random_picture
from tests.tiny_families import BUILDERS, build_tiny
from tests.tiny_parts import spelling_sentencepiece

PICTURE = random_picture(64, 64)
MASK = mask_picture(64, 64, (16, 16, 24, 24))


class FamilyBench(Bench):
    """A bench whose sources say what the catalogue would say of the family."""

    def source(self, model: str, native_size: int = 64) -> ModelSource:
        multiple = FAMILIES[model].size_multiple
        return dataclasses.replace(super().source(model, native_size), family=model, size_multiple=multiple)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("families")


@pytest.fixture(scope="module")
def family_bench(folder: Path) -> FamilyBench:
    return FamilyBench({})


def of_family(bench: FamilyBench, folder: Path, family: str) -> str:
    """The name of a tiny model of this family on the bench, built at its first use."""
    if family not in bench.models:
        bench.models[family] = build_tiny(family, folder / family)
    return family


def task_of(kind: str, **more: object) -> Generation:
    common = {"prompt": "moss", "seed": 1, **more}
    match kind:
        case "text-to-image":
            return TextToImage(width=64, height=64, **common)
        case "image-to-image":
            return ImageToImage(image=PICTURE, **{"strength": 0.7, **common})
        case "inpaint":
            return Inpaint(image=PICTURE, mask=MASK, **common)
    return Outpaint(image=PICTURE, right=16, **common)


FIRST = ("flux", "flux-fill", "flux-kontext", "qwen-image", "z-image", "sana")
"""Tried always; the others with `--families`."""


def _tried(family: str, config: pytest.Config) -> None:
    if family not in FIRST and not config.getoption("--families"):
        pytest.skip("the breadth of families is tried with --families")


@pytest.mark.parametrize("family", BUILDERS)
def test_a_family_does_every_task_that_the_table_promises(
    family_bench: FamilyBench, folder: Path, family: str, pytestconfig: pytest.Config
) -> None:
    _tried(family, pytestconfig)
    model = of_family(family_bench, folder, family)
    for kind in FAMILIES[family].tasks:
        if kind == "upscale":
            continue  # image-to-image, tile by tile; tested where it is made
        layer = family_bench.run(task_of(kind), model, preview_side=16).layer
        shown = pixels(layer.picture)
        assert np.ptp(shown[..., :3].astype(int)) > 0, f"{kind} painted one flat colour"
        if kind in ("text-to-image", "image-to-image"):
            assert (layer.picture.width, layer.picture.height) == (64, 64)
        assert layer.recipe["model"]["pipeline"] == FAMILIES[family].base


@pytest.mark.parametrize("family", BUILDERS)
def test_an_empty_prompt_paints_as_well(
    family_bench: FamilyBench, folder: Path, family: str, pytestconfig: pytest.Config
) -> None:
    _tried(family, pytestconfig)
    model = of_family(family_bench, folder, family)
    task = task_of(FAMILIES[family].tasks[0], prompt="", steps=2)
    assert np.ptp(pixels(family_bench.run(task, model).layer.picture)[..., :3].astype(int)) > 0


def test_a_vocabulary_of_sentencepiece_is_read_without_a_converted_one(family_bench: FamilyBench, folder: Path) -> None:
    """As PixArt, HunyuanDiT, CogView 3 and Kandinsky 3 come."""
    model = build_tiny("pixart", folder / "sentencepiece")
    shutil.rmtree(model / "tokenizer")
    spelling_sentencepiece(model / "tokenizer" / "spiece.model")
    index = json.loads((model / "model_index.json").read_text())
    (model / "model_index.json").write_text(json.dumps({**index, "tokenizer": ["transformers", "T5Tokenizer"]}))
    about = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "model_max_length": 64}
    (model / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(about))
    tokenizer = family_bench.shelf.get(ModelSource(id="sp", location=str(model)), lambda: None).base.tokenizer
    moss, stone = (tokenizer(text).input_ids for text in ("moss", "stone"))
    assert len(moss) >= len("moss")
    assert moss != stone


@pytest.mark.parametrize("family", BUILDERS)
def test_a_region_over_all_of_the_canvas_paints_what_its_prompt_paints(
    family_bench: FamilyBench, folder: Path, family: str, pytestconfig: pytest.Config
) -> None:
    """So whatever a family tells its denoiser of a prompt is told of a region's."""
    _tried(family, pytestconfig)
    model = of_family(family_bench, folder, family)
    everywhere, left = (Region(mask=mask_picture(64, 64, (0, 0, w, 64)), prompt="red bricks") for w in (64, 32))
    kind = FAMILIES[family].tasks[0]
    alone = family_bench.run(task_of(kind, prompt="red bricks"), model)
    assert same(family_bench.run(task_of(kind, regions=(everywhere,)), model), alone)
    half = family_bench.run(task_of(kind, regions=(left,)), model)
    assert not same(half, alone)
    assert not same(half, family_bench.run(task_of(kind), model))


@pytest.mark.parametrize("family", ["flux", "sana", "qwen-image"])
def test_outside_the_mask_no_bit_changes_whatever_the_family(
    family_bench: FamilyBench, folder: Path, family: str
) -> None:
    model = of_family(family_bench, folder, family)
    task = dataclasses.replace(task_of("inpaint", extent="canvas"), grow=2, feather=4, blend=2)
    after = pixels(family_bench.run(task, model).layer.picture)
    before = pixels(PICTURE)
    np.testing.assert_array_equal(after[:8], before[:8])
    assert (after[20:36, 20:36] != before[20:36, 20:36]).any()


@pytest.mark.parametrize("family", ["sana", "pixart", "lumina2", "flux-kontext"])
def test_an_emulated_start_at_low_strength_gives_nearly_what_the_autoencoder_makes_of_the_picture(
    family_bench: FamilyBench, folder: Path, family: str
) -> None:
    model = of_family(family_bench, folder, family)
    near = pixels(family_bench.run(task_of("image-to-image", strength=0.01, steps=100), model).layer.picture)
    far = pixels(family_bench.run(task_of("image-to-image", strength=1.0, steps=3), model).layer.picture)
    pipe = family_bench.shelf.get(family_bench.source(model), lambda: None).base
    given = torch.from_numpy(pixels(PICTURE)[..., :3].copy()).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        reached = decode_latents(pipe, encode_pixels(pipe, given))[0].permute(1, 2, 0).numpy() * 255

    def distance(other: np.ndarray) -> float:
        return float(np.abs(other[..., :3].astype(float) - reached).mean())

    assert distance(near) < 0.5 * distance(far)


def test_an_emulated_start_leaves_the_pipeline_as_it_was(family_bench: FamilyBench, folder: Path) -> None:
    model = of_family(family_bench, folder, "sana")
    before = family_bench.run(task_of("text-to-image"), model).layer.picture.pixels
    family_bench.run(task_of("image-to-image"), model)
    assert bytes(family_bench.run(task_of("text-to-image"), model).layer.picture.pixels) == bytes(before)


@pytest.mark.parametrize("family", ["flux-kontext", "lumina2"])
def test_images_of_a_batch_are_those_of_single_jobs(family_bench: FamilyBench, folder: Path, family: str) -> None:
    model = of_family(family_bench, folder, family)
    both = family_bench.run(task_of("image-to-image", images=2, batch_size=2), model).layers
    alone = family_bench.run(task_of("image-to-image", images=2, batch_size=1), model).layers
    for one, other in zip(both, alone, strict=True):
        difference = np.abs(pixels(one.picture).astype(int) - pixels(other.picture).astype(int))
        assert difference.max() <= 2


def test_a_daemon_lists_and_runs_them(daemon_factory: DaemonFactory, tmp_path: Path) -> None:
    for family in ("flux", "sana"):
        build_tiny(family, tmp_path / f"tiny-{family}")
    daemon = daemon_factory("--models-dir", str(tmp_path))
    with Peer(daemon.url, daemon.token) as peer:
        known = {model.id: model for model in peer.welcome.models}
        for family in ("flux", "sana"):
            info = known[f"tiny-{family}"]
            assert (info.family, info.unusable, info.tasks) == (family, "", FAMILIES[family].tasks)
            for kind in ("text-to-image", "image-to-image", "inpaint", "outpaint"):
                job = f"{family}-{kind}"
                peer.submit(job, task_of(kind, model=info.id, steps=2))
                assert peer.events(job)[-1].type == "job_finished"
    daemon.stop()
