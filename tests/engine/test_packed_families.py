"""Families whose denoisers see latents as patches or lists: seamless, in tiles, and in previews like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from bridge.engine.latent_grid import GridCall
from bridge.engine.latents import decode_latents, encode_pixels, unpacked
from bridge.engine.seamless import seamless
from bridge.engine.upscale.painting import in_tiles
from bridge.engine.upscale.tiled_model import tiled_denoiser
from bridge.engine.upscale.tiles import Tiles
from bridge.protocol.errors import ErrorCode
from bridge.protocol.tasks import ImageToImage, TextToImage, Upscale
from tests.engine.bench import Bench, random_picture
from tests.tiny_families import build_tiny

FAMILIES = ("flux", "chroma", "qwen-image", "z-image")


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    root = tmp_path_factory.mktemp("packed")
    names = (*FAMILIES, "flux2-klein", "flux-kontext")
    return Bench({name: build_tiny(name, Path(root / name)) for name in names})


@pytest.mark.parametrize("family", FAMILIES)
def test_a_seamless_picture_is_another_one_and_disturbs_nobody(families: Bench, family: str) -> None:
    plain = TextToImage(prompt="moss", width=64, height=64, seed=5)
    before = bytes(families.run(plain, family).layer.picture.pixels)
    around = families.run(TextToImage(prompt="moss", width=64, height=64, seed=5, seamless="xy"), family).layer
    assert bytes(around.picture.pixels) != before
    assert bytes(families.run(plain, family).layer.picture.pixels) == before


@pytest.mark.parametrize("family", FAMILIES)
def test_the_autoencoder_looks_round_the_edges(families: Bench, family: str) -> None:
    pipe = families.shelf.get(families.source(family), lambda: None).base
    picture = torch.rand(1, 3, 64, 48)
    shifts = (16, 32)

    def through(values: torch.Tensor) -> torch.Tensor:
        return decode_latents(pipe, encode_pixels(pipe, values))

    with torch.inference_mode():
        with seamless(pipe, "xy"):
            rolled = through(picture.roll(shifts, (2, 3)))
            assert torch.allclose(rolled, through(picture).roll(shifts, (2, 3)), atol=1e-3)
        assert not torch.allclose(through(picture.roll(shifts, (2, 3))), rolled, atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_pictures_are_enlarged_in_tiles(families: Bench, family: str) -> None:
    task = Upscale(image=random_picture(50, 41), prompt="moss", scale=2.3, strength=0.7, seed=1, seamless="x")
    layer = families.run(task, family).layer
    assert (layer.picture.width, layer.picture.height) == (115, 94)
    assert layer.recipe["computed"]["tile"] == 64
    assert bytes(families.run(task, family).layer.picture.pixels) == bytes(layer.picture.pixels)


@pytest.mark.parametrize("family", FAMILIES)
def test_latents_of_a_picture_are_the_likeliest_and_nothing_is_drawn(families: Bench, family: str) -> None:
    pipe = families.shelf.get(families.source(family), lambda: None).pipeline("image-to-image")
    picture = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(encode_pixels(pipe, picture), encode_pixels(pipe, picture))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_large_canvas_is_composed_first(families: Bench, family: str) -> None:
    layer = families.run(TextToImage(prompt="a", width=201, height=100, seed=1), family).layer
    assert (layer.picture.width, layer.picture.height) == (201, 100)
    assert "second" in layer.recipe["computed"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_single_tile_is_the_picture_at_once(families: Bench, family: str) -> None:
    pipe = families.shelf.get(families.source(family), lambda: None).base
    tiles = Tiles(64, 48, 64, 16, (64, 48), lambda *_: np.zeros((48, 64, 3), np.float32))

    def paint() -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        given = {"width": 64, "height": 48, "num_inference_steps": 2, "output_type": "latent", "return_dict": False}
        found: torch.Tensor = pipe(prompt="moss", generator=generator, **given)[0]
        return found

    with torch.inference_mode():
        at_once = paint()
        with tiled_denoiser(pipe, tiles, lambda: None):
            assert torch.allclose(paint(), at_once, atol=1e-5)
        assert torch.equal(paint(), at_once)


@pytest.mark.parametrize("family", ["qwen-image", "flux2-klein"])
def test_previews_show_them_too(families: Bench, family: str) -> None:
    task = TextToImage(prompt="a", width=64, height=64, seed=1, steps=4)
    outcome = families.run(task, family, preview_side=32)
    assert outcome.previews
    assert {(p.picture.width, p.picture.height) for p in outcome.previews} == {(32, 32)}
    assert bytes(families.run(task, family).layer.picture.pixels) == bytes(outcome.layer.picture.pixels)


def test_flux_2_is_decoded_as_it_decodes_itself(families: Bench) -> None:
    pipe = families.shelf.get(families.source("flux2-klein"), lambda: None).base
    seen: list[torch.Tensor] = []

    def keep(_: object, step: int, time: object, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        seen.append(tensors["latents"])
        return tensors

    with torch.inference_mode():
        given = {"width": 96, "height": 64, "num_inference_steps": 2, "output_type": "pt", "return_dict": False}
        own = pipe(prompt="a", callback_on_step_end=keep, **given)[0]
        assert torch.allclose(decode_latents(pipe, unpacked(pipe, seen[-1], 96, 64)), own.float(), atol=1e-4)


def test_a_model_that_looks_at_another_picture_refuses_to_be_seamless(families: Bench) -> None:
    task = ImageToImage(image=random_picture(64, 64), prompt="a", strength=0.7, seed=1, seamless="x")
    assert families.run(task, "flux-kontext").error is ErrorCode.TASK_UNSUPPORTED


@pytest.mark.parametrize("form", ["grid", "list", "ids", "shapes"])
def test_a_call_is_taken_apart_and_put_together_whatever_its_form(form: str) -> None:
    grid = torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).reshape(2, 3, 4, 5)
    places = torch.cartesian_prod(torch.zeros(1), torch.arange(4.0), torch.arange(5.0))
    given: dict[str, object] = {
        "grid": {"sample": grid},
        "list": {"x": list(grid.unsqueeze(2))},
        "ids": {"hidden_states": grid.flatten(2).transpose(1, 2), "img_ids": places},
        "shapes": {"hidden_states": grid.flatten(2).transpose(1, 2), "img_shapes": [[(1, 4, 5)]] * 2},
    }[form]
    asked: list[dict[str, object]] = []

    def echo(**kwargs: object) -> tuple[object]:
        asked.append(kwargs)
        return (next(kwargs[name] for name in ("sample", "x", "hidden_states") if name in kwargs),)

    call = GridCall(echo, (), given)
    assert torch.equal(call.latents, grid)
    assert torch.equal(call.predict(grid[..., 1:3, 2:5]), grid[..., 1:3, 2:5])
    assert torch.equal(call.predict(grid), grid)
    answer, name = call.answer(grid)[0], next(iter(given))
    pairs = zip(answer, given[name], strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    if form == "ids":
        assert torch.equal(
            asked[0]["img_ids"], torch.cartesian_prod(torch.zeros(1), torch.arange(2.0), torch.arange(3.0))
        )
    if form == "shapes":
        assert asked[0]["img_shapes"] == [[(1, 2, 3)]] * 2


def test_noise_goes_by_the_size_of_a_tile_however_large_the_picture(families: Bench) -> None:
    pipe = families.shelf.get(families.source("flux"), lambda: None).pipeline("image-to-image")
    before = pipe.scheduler

    def sigmas(side: int, mu: float) -> list[float]:
        pipe.scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
        tiles = Tiles(side, side, 64, 16, (side, side), lambda *_: np.zeros((1, 1, 3), np.float32))
        with in_tiles(pipe, tiles, lambda: None):
            pipe.scheduler.set_timesteps(4, mu=mu)
        return pipe.scheduler.sigmas.tolist()

    try:
        assert sigmas(8192, mu=44.0) == sigmas(64, mu=0.5)
    finally:
        pipe.scheduler = before
