"""Text-to-image and image-to-image on real pipelines."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.engine.models.folder import inspect_folder
from bridge.protocol.errors import ErrorCode
from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat
from bridge.protocol.tasks import ImageToImage, TextToImage
from tests.engine.bench import Bench, pixels, random_picture

FAMILIES = ["sd", "sdxl", "sd3"]


@pytest.mark.parametrize("model", FAMILIES)
@pytest.mark.parametrize(("width", "height"), [(64, 64), (70, 51), (16, 129)])
def test_text_to_image_has_exactly_the_size_asked_for(bench: Bench, model: str, width: int, height: int) -> None:
    layer = bench.run(TextToImage(prompt="a red wall", width=width, height=height, seed=1), model).layer
    assert (layer.picture.width, layer.picture.height, layer.x, layer.y) == (width, height, 0, 0)
    assert layer.picture.format is PixelFormat.RGBA8
    assert (pixels(layer.picture)[..., 3] == 255).all()
    assert pixels(layer.picture)[..., :3].std() > 1


@pytest.mark.parametrize("model", FAMILIES)
def test_image_to_image_has_the_size_of_its_input(bench: Bench, model: str) -> None:
    image = random_picture(75, 43)
    layer = bench.run(ImageToImage(image=image, prompt="x", strength=0.5, seed=1), model).layer
    assert (layer.picture.width, layer.picture.height) == (75, 43)
    assert bytes(layer.picture.pixels) != image.pixels


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_strength_0_returns_the_input_exactly_in_every_format(bench: Bench, pixel_format: PixelFormat) -> None:
    image = random_picture(33, 21, pixel_format, opaque=False)
    task = ImageToImage(image=image, strength=0, seed=1, result_format=pixel_format)
    assert bytes(bench.run(task).layer.picture.pixels) == image.pixels


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_every_format_goes_in_and_comes_out(bench: Bench, pixel_format: PixelFormat) -> None:
    image = random_picture(64, 64, pixel_format)
    task = ImageToImage(image=image, strength=0.4, seed=1, result_format=pixel_format)
    picture = bench.run(task).layer.picture
    assert picture.format is pixel_format
    assert np.isfinite(pixels(picture).astype(np.float64)).all()


def test_the_same_picture_in_another_format_gives_the_same_result(bench: Bench) -> None:
    rgba = random_picture(64, 64, PixelFormat.RGBA8)
    bgra = Picture(64, 64, PixelFormat.BGRA8, pixels(rgba)[..., [2, 1, 0, 3]].tobytes())
    one, other = (
        bench.run(ImageToImage(image=image, strength=0.5, seed=3)).layer.picture.pixels for image in (rgba, bgra)
    )
    assert bytes(one) == bytes(other)


def test_a_linear_picture_comes_back_linear(bench: Bench) -> None:
    values = np.full((64, 64, 4), 0.2, "<f4")
    image = Picture(64, 64, PixelFormat.RGBA32F, values.tobytes(), ColourSpace.LINEAR_SRGB)
    layer = bench.run(ImageToImage(image=image, strength=0.3, seed=1, result_format=PixelFormat.RGBA32F)).layer
    assert layer.picture.colour_space is ColourSpace.LINEAR_SRGB


def test_image_to_image_keeps_the_alpha_of_its_input(bench: Bench) -> None:
    image = random_picture(64, 64, opaque=False)
    layer = bench.run(ImageToImage(image=image, strength=0.5, seed=1)).layer
    assert (pixels(layer.picture)[..., 3] == pixels(image)[..., 3]).all()


def test_a_strength_below_one_step_still_makes_one(bench: Bench) -> None:
    outcome = bench.run(ImageToImage(image=random_picture(64, 64), strength=0.01, steps=7, seed=1))
    assert outcome.layer.picture.width == 64
    assert "denoising" in outcome.stages


def test_a_very_small_picture_is_computed_larger_and_comes_back_small(bench: Bench) -> None:
    layer = bench.run(TextToImage(width=16, height=16, seed=1), native_size=512).layer
    assert layer.picture.width == 16
    assert layer.recipe["computed"] == {"width": 64, "height": 64, "mode": "text-to-image"}


def test_the_stages_of_a_job_come_in_order_with_every_step(fresh_bench: Bench) -> None:
    outcome = fresh_bench.run(TextToImage(width=64, height=64, seed=1, steps=4))
    assert outcome.stages == ["loading", "encoding", "denoising", "decoding", "finishing"]
    steps = [m.step for m in outcome.messages if getattr(m, "stage", "") == "denoising"]
    assert steps == [0, 1, 2, 3, 4]
    assert set(outcome.ended.timings) == {"loading", "encoding", "denoising", "decoding", "finishing"}


def test_several_images_come_one_by_one_with_their_seeds(bench: Bench) -> None:
    outcome = bench.run(TextToImage(width=64, height=64, seed=10, images=3))
    assert [layer.seed for layer in outcome.layers] == [10, 11, 12]
    assert [m.index for m in outcome.messages if m.type == "produced"] == [0, 1, 2]


def test_images_that_are_done_already_are_not_made_again(bench: Bench) -> None:
    whole = bench.run(TextToImage(width=64, height=64, seed=10, images=3)).layers
    rest = bench.run(TextToImage(width=64, height=64, seed=10, images=3), first_image=2).layers
    assert [layer.seed for layer in rest] == [12]
    assert bytes(rest[0].picture.pixels) == bytes(whole[2].picture.pixels)


def test_previews_are_small_pictures_of_some_steps(bench: Bench) -> None:
    outcome = bench.run(TextToImage(width=96, height=48, seed=1, steps=6), preview_side=32)
    assert outcome.previews
    picture = outcome.previews[0].picture
    assert picture.format is PixelFormat.RGB8
    assert (picture.width, picture.height) == (32, 16)


def test_the_recipe_names_everything_that_was_resolved(bench: Bench) -> None:
    image = random_picture(64, 64)
    recipe = bench.run(ImageToImage(image=image, prompt="a", negative_prompt="b", strength=0.5, seed=4)).layer.recipe
    assert recipe["task"] == "image-to-image"
    assert recipe["parameters"] == {
        "prompt": "a",
        "negative_prompt": "b",
        "model": "sd",
        "seed": 4,
        "steps": 3,
        "guidance_scale": 4.0,
        "scheduler": "DDIMScheduler",
        "images": 1,
        "batch_size": 1,
        "result_format": "rgba8",
        "seamless": "none",
        "loras": [],
        "controls": [],
        "regions": [],
        "strength": 0.5,
    }
    assert recipe["inputs"].keys() == {"image"}
    assert recipe["model"]["hash"].startswith("sha256:")
    assert recipe["versions"].keys() >= {"latent-bridge", "torch", "diffusers"}
    assert recipe["device"].startswith("CPU")
    assert recipe["dtype"] == "float32"
    assert recipe["batched"] is False
    assert recipe["savings"] == []


def test_repeating_the_recipe_gives_the_same_bytes(bench: Bench) -> None:
    first = bench.run(TextToImage(prompt="a", width=72, height=64, seed=8, images=2, scheduler="euler_a")).layers[1]
    parameters = {
        **first.recipe["parameters"],
        "result_format": PixelFormat(first.recipe["parameters"]["result_format"]),
    }
    again = bench.run(TextToImage(**parameters)).layer
    assert bytes(again.picture.pixels) == bytes(first.picture.pixels)


def test_the_model_hash_tells_models_apart_and_is_the_same_after_loading_again(
    bench: Bench, fresh_bench: Bench
) -> None:
    task = TextToImage(width=64, height=64, seed=1, steps=1)
    hashes = [
        b.run(task, m).layer.recipe["model"]["hash"] for b, m in [(bench, "sd"), (bench, "other"), (fresh_bench, "sd")]
    ]
    assert hashes[0] == hashes[2] != hashes[1]


def test_a_model_made_for_inpainting_refuses_other_tasks(bench: Bench) -> None:
    assert bench.run(TextToImage(width=64, height=64, seed=1), "inpaint").error is ErrorCode.TASK_UNSUPPORTED


def test_every_part_of_a_half_precision_model_is_single_precision_on_a_cpu(
    bench: Bench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import torch
    from diffusers import StableDiffusionPipeline

    folder = tmp_path_factory.mktemp("half")
    pipe = StableDiffusionPipeline.from_pretrained(bench.models["sd"], safety_checker=None)
    pipe.to(torch.float16).save_pretrained(folder, safe_serialization=True)
    inspect_folder(folder)
    assert bench.run(TextToImage(width=64, height=64, seed=1), str(folder)).layer.recipe["dtype"] == "float32"
    loaded = bench.shelf.get(bench.source(str(folder)), lambda: None)
    for name in ("unet", "vae", "text_encoder"):
        assert {p.dtype for p in getattr(loaded.base, name).parameters()} == {torch.float32}
