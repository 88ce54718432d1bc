"""Upscaling and high resolution, on tiny pipelines and on the built-in model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bridge.engine
from benchmarks.measures import tile_border_ratio, wrap_discontinuity_ratio
from bridge.daemon.steptimer import StepTimer
from bridge.engine.cancellation import AbortFlag
from bridge.engine.upscale.tiles import spans
from bridge.protocol.engine_link import LinkMessage, Progressed
from bridge.protocol.errors import ErrorCode
from bridge.protocol.pixels import PixelFormat
from bridge.protocol.tasks import ImageToImage, TextToImage, Upscale
from tests.engine.bench import Bench, pixels, random_picture

BUILTIN = Path(bridge.engine.__file__).parent / "builtin" / "bridge-textures"
SMALL = random_picture(50, 41)


@pytest.mark.parametrize("model", ["sd", "sdxl", "sd3"])
def test_the_result_has_the_enlarged_size_whatever_the_model_computes(bench: Bench, model: str) -> None:
    outcome = bench.run(Upscale(image=SMALL, scale=2.3, strength=0.7, seed=1), model)
    picture = outcome.layer.picture
    assert (picture.width, picture.height) == (115, 94)
    assert outcome.stages[-4:] == ["encoding", "denoising", "decoding", "finishing"]
    recipe = outcome.layer.recipe
    assert recipe["task"] == "upscale"
    assert recipe["parameters"]["tile"] == 64
    assert recipe["computed"] == {"width": 120, "height": 96, "mode": "image-to-image", "tile": 64}


def test_the_model_changes_what_it_is_allowed_to(bench: Bench) -> None:
    plain, painted = (
        pixels(bench.run(Upscale(image=SMALL, strength=strength, seed=1)).layer.picture) for strength in (0, 0.7)
    )
    assert (plain != painted).any()


def test_strength_0_resamples_without_the_model(bench: Bench) -> None:
    image = random_picture(40, 30, PixelFormat.RGBA16, opaque=False)
    outcome = bench.run(Upscale(image=image, strength=0, scale=2, seed=1, result_format=PixelFormat.RGBA16))
    assert "denoising" not in outcome.stages
    result = pixels(outcome.layer.picture)
    assert result.shape == (60, 80, 4)
    assert (result % 257 != 0).mean() > 0.9  # Nothing went through 8 bits on the way.


def test_scale_1_at_strength_0_is_the_picture_itself(bench: Bench) -> None:
    layer = bench.run(Upscale(image=SMALL, strength=0, scale=1, seed=1)).layer
    assert (pixels(layer.picture) == pixels(SMALL)).all()


def test_the_same_request_gives_the_same_bytes(bench: Bench, fresh_bench: Bench) -> None:
    task = Upscale(image=SMALL, strength=0.7, seed=4, scheduler="euler_a")
    first = bytes(bench.run(task).layer.picture.pixels)
    bench.run(TextToImage(width=64, height=64, seed=9))
    assert bytes(bench.run(task, preview_side=32).layer.picture.pixels) == first
    assert bytes(fresh_bench.run(task).layer.picture.pixels) == first
    assert bytes(bench.run(replace(task, seed=5)).layer.picture.pixels) != first


def test_other_jobs_on_the_same_model_are_not_disturbed(bench: Bench) -> None:
    plain = TextToImage(prompt="a", width=64, height=64, seed=5)
    before = bytes(bench.run(plain).layer.picture.pixels)
    bench.run(Upscale(image=SMALL, strength=0.7, seed=4))
    assert bytes(bench.run(plain).layer.picture.pixels) == before


def test_alpha_is_enlarged_and_kept(bench: Bench) -> None:
    image = random_picture(40, 40, opaque=False)
    painted, plain = (
        pixels(bench.run(Upscale(image=image, strength=strength, seed=1)).layer.picture) for strength in (0.7, 0)
    )
    assert (painted[..., 3] == plain[..., 3]).all()


def test_progress_counts_tiles_times_steps(bench: Bench) -> None:
    outcome = bench.run(Upscale(image=random_picture(64, 32), strength=1, steps=3, seed=1))
    told = [(m.step, m.steps) for m in outcome.messages if isinstance(m, Progressed) and m.stage == "denoising"]
    assert told == [(n, 9) for n in range(10)]


def test_progress_of_two_passes_goes_through_both_at_one_pace(bench: Bench) -> None:
    task = TextToImage(prompt="a", width=201, height=100, seed=1, steps=4, images=2, batch_size=2)
    outcome = bench.run(task)
    told = [m for m in outcome.messages if isinstance(m, Progressed) and m.steps]
    tiles = len(spans(208, 64, 8, False, 8)) * len(spans(104, 64, 8, False, 8))
    assert {m.steps for m in told} == {4 + 2 * tiles}
    first = list(range(5))
    second = list(range(4, 5 + 2 * tiles))
    assert [(m.image, m.step) for m in told] == [(0, n) for n in (*first, *second)] + [(1, n) for n in second]
    timer = StepTimer(images=2)
    shares = [timer.fraction(m.image, m.step, m.steps) for m in told]
    assert shares == sorted(shares)
    assert shares[5] < 0.1, "the second pass begins where the first one ended"


def test_a_job_can_be_stopped_between_two_tiles(bench: Bench) -> None:
    abort = AbortFlag()

    def heard(message: LinkMessage) -> None:
        if isinstance(message, Progressed) and message.stage == "denoising" and message.step == 2:
            abort.set()

    task = Upscale(image=random_picture(64, 32), strength=1, steps=3, seed=1)
    outcome = bench.run(task, abort=abort, heard=heard)
    assert outcome.ended.cancelled
    assert max(m.step for m in outcome.messages if isinstance(m, Progressed)) == 2
    assert not bench.run(task).ended.cancelled


def test_a_model_made_for_inpainting_refuses(bench: Bench) -> None:
    assert bench.run(Upscale(image=SMALL, seed=1), "inpaint").error is ErrorCode.TASK_UNSUPPORTED


@pytest.mark.parametrize("model", ["sd", "sd3"])
def test_a_canvas_above_the_native_area_is_composed_at_the_native_area(bench: Bench, model: str) -> None:
    layer = bench.run(TextToImage(prompt="a", width=201, height=100, seed=1), model).layer
    assert (layer.picture.width, layer.picture.height) == (201, 100)
    assert (pixels(layer.picture)[..., 3] == 255).all()
    computed = layer.recipe["computed"]
    assert computed["width"] * computed["height"] <= 1.2 * 64 * 64
    assert computed["second"] == {"width": 208, "height": 104, "tile": 64, "strength": 0.5}


def test_a_large_picture_is_changed_in_tiles(bench: Bench) -> None:
    image = random_picture(150, 140, opaque=False)
    layer = bench.run(ImageToImage(image=image, prompt="a", strength=0.7, seed=1)).layer
    assert layer.recipe["computed"]["tile"] == 64
    assert pixels(layer.picture).shape == (140, 150, 4)
    assert (pixels(layer.picture)[..., 3] == pixels(image)[..., 3]).all()
    assert (pixels(layer.picture)[..., :3] != pixels(image)[..., :3]).any()


@pytest.mark.parametrize("task", [TextToImage(width=150, height=140, seed=1, seamless="xy")])
def test_large_seamless_pictures_have_their_size(bench: Bench, task: TextToImage) -> None:
    layer = bench.run(task).layer
    assert (layer.picture.width, layer.picture.height) == (150, 140)
    assert "second" in layer.recipe["computed"]


@pytest.fixture(scope="module")
def builtin() -> Bench:
    return Bench({"builtin": BUILTIN})


def test_borders_of_tiles_and_shifts_of_colour_cannot_be_seen(builtin: Bench) -> None:
    prompt = "green grass"
    small = TextToImage(prompt=prompt, width=96, height=96, seed=1, steps=6, seamless="xy")
    image = builtin.run(small, "builtin", native_size=128).layer.picture
    task = Upscale(image=image, prompt=prompt, strength=0.4, steps=8, tile=64, seed=1, seamless="x")
    plain, painted = (
        pixels(builtin.run(each, "builtin", native_size=128).layer.picture)[..., :3]
        for each in (replace(task, strength=0), task)
    )
    ratios = []
    for axis, wrap in (("x", True), ("y", False)):
        ends = [(span.start, (span.start + len(span)) % 192) for span in spans(192, 64, 4, wrap, 1)]
        borders = sorted({end for pair in ends for end in pair if end})
        ratios.append(tile_border_ratio(painted, borders, axis))
    assert np.mean(ratios) <= 1.05
    assert wrap_discontinuity_ratio(painted, "x") <= 2
    shift = painted.mean((0, 1)) - plain.mean((0, 1))
    assert np.abs(shift).max() <= 1
    coarse = [values.reshape(6, 32, 6, 32, 3).mean((1, 3)) for values in (painted.astype(float), plain.astype(float))]
    assert np.abs(coarse[0] - coarse[1]).max() <= 4
