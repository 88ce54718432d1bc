"""Pictures that continue across their own sides, on real pipelines and on the built-in model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL

import bridge.engine
import bridge.protocol.errors
from benchmarks.measures import wrap_discontinuity_ratio
from bridge.engine.faults import faults_from
from bridge.engine.seamless import seamless
from bridge.protocol.errors import ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Generation, ImageToImage, Inpaint, Outpaint, TextToImage
from tests.engine.bench import Bench, mask_picture, pixels, random_picture

BUILTIN = Path(bridge.engine.__file__).parent / "builtin" / "bridge-textures"


@pytest.fixture(scope="module")
def builtin() -> Bench:
    return Bench({"builtin": BUILTIN})


def painted(bench: Bench, task: Generation) -> np.ndarray:
    return pixels(bench.run(task, "builtin", native_size=256).layer.picture)[..., :3]


def wall(**more: object) -> TextToImage:
    return TextToImage(prompt="a red brick wall", width=128, height=128, seed=3, steps=8, **more)


def typical_wrap(builtin: Bench, sides: str, axes: str) -> float:
    """Single pictures differ by what happens to lie at the edge, such as a joint; the median of several does not."""
    tasks = [
        TextToImage(prompt=prompt, width=128, height=128, seed=seed, steps=6, seamless=sides)
        for prompt in ("grey stone", "green grass", "yellow sand")
        for seed in (1, 2)
    ]
    pictures = [painted(builtin, task) for task in tasks]
    return float(np.median([wrap_discontinuity_ratio(picture, axis) for picture in pictures for axis in axes]))


def test_textures_continue_across_all_sides(builtin: Bench) -> None:
    assert typical_wrap(builtin, "xy", "xy") <= 1.1


def test_sides_that_were_not_asked_for_do_not_continue(builtin: Bench) -> None:
    for asked, other in (("x", "y"), ("y", "x")):
        # Over several pictures: in a single one a joint of the texture may happen to lie at the edge.
        assert 2 * typical_wrap(builtin, asked, asked) < typical_wrap(builtin, asked, other)


def test_a_size_that_the_model_cannot_compute_continues_too(builtin: Bench) -> None:
    task = TextToImage(prompt="cobblestone", width=150, height=130, seed=1, steps=8, seamless="xy")
    picture = painted(builtin, task)
    assert picture.shape[:2] == (130, 150)
    assert max(wrap_discontinuity_ratio(picture, axis) for axis in ("x", "y")) <= 2


@pytest.mark.parametrize("model", ["sd", "sdxl", "sd3"])
def test_other_jobs_on_the_same_model_are_not_disturbed(bench: Bench, model: str) -> None:
    plain = TextToImage(prompt="a", width=64, height=64, seed=5)
    before = bytes(bench.run(plain, model).layer.picture.pixels)
    around = bench.run(TextToImage(prompt="a", width=64, height=64, seed=5, seamless="xy"), model).layer
    assert bytes(around.picture.pixels) != before
    assert around.recipe["parameters"]["seamless"] == "xy"
    assert bytes(bench.run(plain, model).layer.picture.pixels) == before


@pytest.mark.parametrize("model", ["sd", "sd3"])
def test_a_failure_on_the_way_leaves_the_model_as_it_was(bench: Bench, model: str) -> None:
    loaded = bench.shelf.get(bench.source(model), lambda: None)
    modules = [m for part in loaded.base.components.values() if hasattr(part, "modules") for m in part.modules()]
    before = [set(module.__dict__) for module in modules]

    def fail() -> None:
        with seamless(loaded.base, "xy"):
            assert [set(module.__dict__) for module in modules] != before
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fail()
    assert [set(module.__dict__) for module in modules] == before


@pytest.mark.parametrize("sides", ["x", "y", "xy"])
def test_rolling_a_picture_before_the_autoencoder_is_rolling_it_after(sides: str) -> None:
    torch.manual_seed(0)
    vae = AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
    )
    pipe = type("Pipe", (), {"components": {"vae": vae}, "vae": vae})()
    picture = torch.randn(1, 3, 32, 48)
    shifts = (8 * ("y" in sides), 16 * ("x" in sides))

    def through(values: torch.Tensor) -> torch.Tensor:
        return vae.decode(vae.encode(values).latent_dist.mode()).sample

    with torch.inference_mode(), seamless(pipe, sides):
        assert torch.allclose(through(picture.roll(shifts, (2, 3))), through(picture).roll(shifts, (2, 3)), atol=1e-4)
    with torch.inference_mode():
        assert not torch.allclose(
            through(picture.roll(shifts, (2, 3))), through(picture).roll(shifts, (2, 3)), atol=1e-4
        )


def test_image_to_image_continues_and_keeps_size_and_alpha(builtin: Bench) -> None:
    image = random_picture(128, 96, opaque=False)
    task = ImageToImage(image=image, prompt="grey stone", strength=0.9, steps=8, seed=1, seamless="x")
    picture = builtin.run(task, "builtin", native_size=256).layer.picture
    assert (pixels(picture)[..., 3] == pixels(image)[..., 3]).all()
    assert wrap_discontinuity_ratio(pixels(picture)[..., :3], "x") <= 2


def test_strength_0_is_still_the_input(bench: Bench) -> None:
    image = random_picture(50, 40)
    task = ImageToImage(image=image, strength=0, seed=1, seamless="xy")
    assert bytes(bench.run(task).layer.picture.pixels) == image.pixels


@pytest.fixture(scope="module")
def tile(builtin: Bench) -> Picture:
    """A wall that continues across its left and right."""
    return builtin.run(wall(seamless="x"), "builtin", native_size=256).layer.picture


def test_a_mask_across_the_wrap_is_repainted_as_one(builtin: Bench, tile: Picture) -> None:
    mask = mask_picture(128, 128, (0, 30, 24, 60), (104, 30, 24, 60))
    tasks = [
        Inpaint(
            image=tile,
            mask=mask,
            prompt="a red brick wall",
            steps=8,
            seed=seed,
            seamless="x",
            extent="canvas",
            feather=8,
        )
        for seed in range(5, 10)
    ]
    results = [pixels(builtin.run(task, "builtin", native_size=256).layer.picture) for task in tasks]
    # As in `typical_wrap`: a joint that happens to lie at the edge is no seam.
    assert np.median([wrap_discontinuity_ratio(result[30:90, :, :3], "x") for result in results]) <= 2
    for result in results:
        changed = np.flatnonzero((result != pixels(tile)).any(axis=(0, 2)))
        assert {0, 127} <= set(changed.tolist())
        assert 64 not in changed


@pytest.mark.parametrize("extent", ["layer", "canvas"])
@pytest.mark.parametrize("boxes", [((0, 20, 10, 20),), ((0, 0, 12, 12), (60, 52, 20, 20))])
def test_a_rolled_result_comes_back_to_its_place(bench: Bench, extent: str, boxes: tuple) -> None:
    image = random_picture(80, 72, seed=4)
    mask = mask_picture(80, 72, *boxes)
    task = Inpaint(image=image, mask=mask, seed=1, seamless="xy", extent=extent, grow=2, feather=0, blend=2, context=8)
    layer = bench.run(task).layer
    canvas = pixels(image).copy()
    rows, columns = slice(layer.y, layer.y + layer.picture.height), slice(layer.x, layer.x + layer.picture.width)
    painted = pixels(layer.picture)
    assert canvas[rows, columns].shape == painted.shape
    selected = pixels(mask)[rows, columns, 0] > 0
    if extent == "layer":
        assert (painted[selected, 3] == 255).all()
        assert pixels(mask).astype(bool).sum() == selected.sum()
    else:
        far = np.ones((72, 80), bool)
        for x, y, w, h in boxes:
            for down in (-72, 0, 72):
                for right in (-80, 0, 80):
                    top, left = y - 5 + down, x - 5 + right
                    far[max(0, top) : max(0, top + h + 10), max(0, left) : max(0, left + w + 10)] = False
        assert (painted[far] == canvas[far]).all()
        assert (painted != canvas).any()


def test_a_mask_away_from_the_edges_needs_no_looking_round_them(bench: Bench) -> None:
    image, mask = random_picture(200, 200), mask_picture(200, 200, (90, 90, 20, 20))
    plain = Inpaint(image=image, mask=mask, seed=1, context=16, feather=0)
    around = Inpaint(image=image, mask=mask, seed=1, context=16, feather=0, seamless="xy")
    one, other = (bench.run(task).layer for task in (plain, around))
    assert bytes(one.picture.pixels) == bytes(other.picture.pixels)


def test_outpainting_closes_the_gap_between_both_ends(builtin: Bench) -> None:
    image = builtin.run(wall(), "builtin", native_size=256).layer.picture
    task = Outpaint(image=image, right=32, prompt="a red brick wall", steps=8, seed=2, seamless="x", extent="canvas")
    result = pixels(builtin.run(task, "builtin", native_size=256).layer.picture)
    assert result.shape == (128, 160, 4)
    assert wrap_discontinuity_ratio(result[..., :3], "x") <= 2


def test_an_autoencoder_that_works_in_tiles_still_looks_round_the_edge(bench: Bench) -> None:
    task = TextToImage(prompt="a", width=96, height=48, seed=1, seamless="x")
    whole = pixels(bench.run(task).layer.picture).astype(int)
    outcome = bench.run(task, faults=faults_from("out_of_memory@decoding*2"))
    assert "vae_tiling" in outcome.layer.recipe["savings"]
    tiled = pixels(outcome.layer.picture).astype(int)
    edges = np.abs(tiled - whole)[:, [0, 1, -2, -1], :3].mean()
    assert edges <= 2 * max(1.0, float(np.abs(tiled - whole)[:, 2:-2, :3].mean()))
    assert bytes(bench.run(task).layer.picture.pixels) == whole.astype(np.uint8).tobytes()


def test_a_seamless_16_bit_result_has_its_format(bench: Bench) -> None:
    task = TextToImage(width=60, height=64, seed=1, seamless="x", result_format=PixelFormat.RGBA16)
    assert bench.run(task).layer.picture.format is PixelFormat.RGBA16


def test_a_model_that_packs_its_latents_says_that_it_cannot(bench: Bench) -> None:
    loaded = bench.shelf.get(bench.source("sd3"), lambda: None)
    packing = type("PackingPipeline", (), {"vae": loaded.base.vae, "transformer": None, "_pack_latents": None})()
    packing.transformer = loaded.base.transformer
    with pytest.raises(bridge.protocol.errors.BridgeError) as caught, seamless(packing, "x"):
        pass
    assert caught.value.code is ErrorCode.TASK_UNSUPPORTED
