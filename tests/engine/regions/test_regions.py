"""Regions paint their own prompts, with everything else that a job can ask for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import bridge.engine
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import ErrorCode
from bridge.protocol.pixels import Picture
from bridge.protocol.tasks import Control, Generation, ImageToImage, Inpaint, Outpaint, Region, TextToImage, Upscale
from tests.engine.adapters.outcomes import difference, same
from tests.engine.bench import Bench, mask_picture, pixels, random_picture
from tests.tiny_adapters import build_controlnet, build_ip_adapter, build_t2i_adapter, lora_layers, save_diffusers

BUILTIN = Path(bridge.engine.__file__).parent / "builtin" / "bridge-textures"
IMAGE = random_picture(64, 64)
HOLE = mask_picture(64, 64, (16, 16, 24, 24))
LEFT = mask_picture(64, 64, (0, 0, 32, 64))
EVERYWHERE = mask_picture(64, 64, (0, 0, 64, 64))

TASKS: dict[str, Generation] = {
    "text-to-image": TextToImage(width=64, height=64, seed=1),
    "image-to-image": ImageToImage(image=IMAGE, strength=0.7, seed=1),
    "inpaint": Inpaint(image=IMAGE, mask=HOLE, seed=1),
    "outpaint": Outpaint(image=IMAGE, right=32, seed=1),
    "upscale": Upscale(image=IMAGE, scale=2, strength=0.7, seed=1),
    "two passes": TextToImage(width=130, height=96, seed=1),
    "seamless": TextToImage(width=64, height=64, seamless="xy", seed=1),
    "without guidance": TextToImage(width=64, height=64, guidance_scale=1.0, seed=1),
    "weights": TextToImage(width=64, height=64, seed=1, negative_prompt="(dull:1.3)"),
    "heun": TextToImage(width=64, height=64, scheduler="heun", seed=1),
}


def asked(task: Generation, prompt: str, *regions: Region) -> Generation:
    return dataclasses.replace(task, prompt=prompt, steps=2, regions=regions)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        *(("sd", name) for name in TASKS),
        ("sdxl", "upscale"),
        ("sd3", "inpaint"),
        ("sd3", "seamless"),
        ("inpaint", "inpaint"),
    ],
)
def test_a_region_everywhere_is_the_same_as_its_prompt_and_a_half_is_neither(
    bench: Bench, model: str, name: str
) -> None:
    task = TASKS[name]
    everywhere, left = (Region(mask=mask, prompt="(red:1.2) bricks") for mask in (EVERYWHERE, LEFT))
    plain = bench.run(asked(task, "moss"), model)
    alone = bench.run(asked(task, everywhere.prompt), model)
    assert same(bench.run(asked(task, "moss", everywhere), model), alone)
    half = bench.run(asked(task, "moss", left), model)
    assert difference(half, alone) > 0
    assert difference(half, plain) > 0
    assert same(bench.run(asked(task, "moss"), model), plain), "a job with regions left something behind"


def test_a_long_prompt_in_a_region_needs_none_outside(bench: Bench) -> None:
    long = " ".join(["mossy stone"] * 8)
    task = TASKS["text-to-image"]
    regions = (Region(mask=EVERYWHERE, prompt=long, negative_prompt="dull"),)
    alone = bench.run(dataclasses.replace(asked(task, long), negative_prompt="dull"))
    assert same(bench.run(asked(task, "a", *regions)), alone)


def test_each_image_of_a_batch_draws_its_own_choices_and_is_that_of_a_single_job(bench: Bench) -> None:
    regions = (Region(mask=LEFT, prompt="{red|blue|green|grey} bricks"),)
    task = dataclasses.replace(asked(TASKS["text-to-image"], "moss", *regions), images=3)
    alone = bench.run(task).layers
    together = bench.run(dataclasses.replace(task, batch_size=3)).layers
    for one, other in zip(alone, together, strict=True):
        assert one.recipe["prompt"] == other.recipe["prompt"]
        assert np.abs(pixels(one.picture).astype(int) - pixels(other.picture).astype(int)).max() <= 2
    said = [layer.recipe["prompt"]["regions"][0]["positive"] for layer in alone]
    assert len(set(said)) > 1
    assert not any("{" in each for each in said)


def test_the_recipe_holds_prompts_and_the_hash_of_the_mask(bench: Bench) -> None:
    regions = (Region(mask=LEFT, prompt="bricks", strength=0.5),)
    recipe = bench.run(asked(TASKS["text-to-image"], "moss", *regions)).layer.recipe
    (kept,) = recipe["parameters"]["regions"]
    assert kept["mask"]["hash"].startswith("sha256:")
    assert (kept["prompt"], kept["strength"]) == ("bricks", 0.5)
    assert recipe["prompt"]["regions"] == [{"positive": "bricks", "negative": ""}]


def test_a_region_of_strength_0_or_that_lies_elsewhere_changes_nothing(bench: Bench) -> None:
    plain = bench.run(asked(TASKS["inpaint"], "moss"))
    weak = Region(mask=EVERYWHERE, prompt="bricks", strength=0.0)
    assert same(bench.run(asked(TASKS["inpaint"], "moss", weak)), plain)
    nowhere = Region(mask=mask_picture(64, 64), prompt="bricks")
    assert same(bench.run(asked(TASKS["inpaint"], "moss", nowhere)), plain)


@pytest.fixture(scope="module")
def sources(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[AdapterSource, ...]:
    root = tmp_path_factory.mktemp("beside regions")
    return (
        AdapterSource("net", "controlnet", str(build_controlnet(models["sd"], root / "net"))),
        AdapterSource("t2i", "t2i-adapter", str(build_t2i_adapter(root / "t2i"))),
        AdapterSource("ip", "ip-adapter", str(build_ip_adapter(models["sd"], root / "ip"))),
        AdapterSource("lora", "lora", str(save_diffusers(lora_layers(models["sd"]), root / "lora.safetensors"))),
    )


@pytest.mark.parametrize("adapter", ["net", "t2i", "ip"])
@pytest.mark.parametrize("name", ["text-to-image", "upscale"])
def test_guides_guide_regions_as_they_guide_the_rest(
    bench: Bench, sources: tuple[AdapterSource, ...], adapter: str, name: str
) -> None:
    controls = (Control(image=random_picture(60, 60, seed=4), adapter=adapter),)
    task = dataclasses.replace(TASKS[name], controls=controls)
    everywhere, left = (Region(mask=mask, prompt="bricks") for mask in (EVERYWHERE, LEFT))
    one = bench.run(asked(task, "moss", left), adapters=sources)
    assert difference(one, bench.run(asked(TASKS[name], "moss", left))) > 0
    alone = bench.run(asked(task, "bricks"), adapters=sources)
    # A ControlNet reads the task's prompt; the others read none.
    assert adapter == "net" or same(bench.run(asked(task, "moss", everywhere), adapters=sources), alone)


def test_a_lora_in_a_region_acts_on_all_of_the_picture(bench: Bench, sources: tuple[AdapterSource, ...]) -> None:
    task = TASKS["text-to-image"]
    tagged = Region(mask=LEFT, prompt="bricks<lora:lora:1>")
    outside = bench.run(
        asked(task, "moss<lora:lora:1>", dataclasses.replace(tagged, prompt="bricks")), adapters=sources
    )
    assert same(bench.run(asked(task, "moss", tagged), adapters=sources), outside)


def test_a_mask_in_colours_is_refused_before_a_model_is_loaded(bench: Bench) -> None:
    wrong = bench.run(asked(TASKS["text-to-image"], "moss", Region(mask=IMAGE, prompt="bricks")), "no such model")
    assert wrong.error is ErrorCode.INVALID_FIELD
    assert wrong.ended.error is not None
    assert wrong.ended.error.field == "task.regions[0].mask"


def colours(picture: Picture) -> tuple[np.ndarray, np.ndarray]:
    """Mean colours of the left and of the right half, 0 to 1, away from where they meet."""
    shown = pixels(picture)[..., :3].astype(float) / 255
    half = shown.shape[1] // 2
    return shown[:, : half - 8].mean((0, 1)), shown[:, half + 8 :].mean((0, 1))


@pytest.mark.parametrize("seed", [3, 8])
def test_red_bricks_on_the_left_and_blue_water_on_the_right(seed: int) -> None:
    """On the built-in model, whose autoencoder was made for pictures of one material and mixes their colours a bit."""
    halves = Bench({"builtin": BUILTIN})
    right = Region(mask=mask_picture(256, 128, (128, 0, 128, 128)), prompt="blue water")
    task = TextToImage(prompt="red brick wall", width=256, height=128, steps=12, seed=seed)
    red, blue = colours(
        halves.run(dataclasses.replace(task, regions=(right,)), "builtin", native_size=256).layer.picture
    )
    both_red = colours(halves.run(task, "builtin", native_size=256).layer.picture)
    assert all(side[0] - side[2] > 0.3 for side in both_red)
    assert red[0] - red[2] > 0.3
    assert blue[2] - blue[0] > 0.08
