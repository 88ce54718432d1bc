"""ControlNets for transformers guide every task, as diffusers' own pipelines have them where there are any."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import SD3ControlNetModel, StableDiffusion3ControlNetPipeline

from bridge.engine.conversion import read_rgb
from bridge.engine.picture_tensor import picture_tensor
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Control, Generation, ImageToImage, Inpaint, Outpaint, Region, TextToImage, Upscale
from tests.engine.adapters.outcomes import difference, same
from tests.engine.bench import Bench, Outcome, mask_picture, pixels, random_picture
from tests.tiny_adapters import build_packed_controlnet, build_sd3_controlnet, deepen_sd3
from tests.tiny_depth import build_depth_anything
from tests.tiny_families import build_tiny

PICTURE = random_picture(64, 64)
EDGES = random_picture(64, 64, PixelFormat.RGB8, seed=4)
TASKS: dict[str, Generation] = {
    "text-to-image": TextToImage(prompt="moss", width=64, height=64, seed=3, steps=4),
    "image-to-image": ImageToImage(prompt="moss", image=PICTURE, seed=3, steps=4),
    "inpaint": Inpaint(prompt="moss", image=PICTURE, mask=mask_picture(64, 64, (20, 20, 24, 24)), seed=3, steps=4),
    "outpaint": Outpaint(prompt="moss", image=PICTURE, right=32, seed=3, steps=4),
    "upscale": Upscale(prompt="moss", image=PICTURE, scale=2, strength=0.7, seed=3, steps=4),
    "two passes": TextToImage(prompt="moss", width=130, height=96, seed=3, steps=4),
}
PLAIN = TASKS["text-to-image"]


@pytest.fixture(scope="module")
def folders(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Models of three families, each with a ControlNet."""
    root = tmp_path_factory.mktemp("transformers")
    found = {"sd3": (deepen_sd3(models["sd3"], root / "sd3"), build_sd3_controlnet(models["sd3"], root / "sd3-net"))}
    for family in ("flux", "qwen-image"):
        model = build_tiny(family, root / family)
        found[family] = model, build_packed_controlnet(model, root / f"{family}-net", family)
    return found


@pytest.fixture(scope="module")
def guided_bench(folders: dict[str, tuple[Path, Path]]) -> Bench:
    return Bench({family: model for family, (model, _) in folders.items()})


@pytest.fixture(scope="module")
def sources(folders: dict[str, tuple[Path, Path]]) -> tuple[AdapterSource, ...]:
    return tuple(AdapterSource(family, "controlnet", str(net)) for family, (_, net) in folders.items())


def control(adapter: str, image: Picture = EDGES, **more: object) -> Control:
    return Control(image=image, adapter=adapter, **more)


def guided(task: Generation, *controls: Control) -> Generation:
    return dataclasses.replace(task, controls=controls)


@pytest.mark.parametrize("family", ["sd3", "flux", "qwen-image"])
@pytest.mark.parametrize("kind", TASKS)
def test_it_guides_every_task(guided_bench: Bench, sources: tuple[AdapterSource, ...], family: str, kind: str) -> None:
    plain = guided_bench.run(TASKS[kind], family)
    once = guided_bench.run(guided(TASKS[kind], control(family)), family, adapters=sources)
    assert difference(once, plain) > 0
    other = control(family, random_picture(64, 64, PixelFormat.RGB8, seed=9))
    assert not same(guided_bench.run(guided(TASKS[kind], other), family, adapters=sources), once)
    assert same(guided_bench.run(TASKS[kind], family), plain)


def test_it_paints_what_diffusers_own_pipeline_paints(
    guided_bench: Bench, folders: dict[str, tuple[Path, Path]], sources: tuple[AdapterSource, ...]
) -> None:
    layer = guided_bench.run(guided(PLAIN, control("sd3", strength=0.8)), "sd3", adapters=sources).layer
    base = guided_bench.shelf.get(guided_bench.source("sd3"), lambda: None).base
    net = SD3ControlNetModel.from_pretrained(folders["sd3"][1])
    pipe = StableDiffusion3ControlNetPipeline.from_pipe(base, controlnet=net)
    rgb, _ = read_rgb(EDGES)
    with torch.inference_mode(), pytest.MonkeyPatch.context() as patch:
        # It draws the latents of the guiding picture; ours are the likeliest ones, so that a seed says everything.
        patch.setattr(
            "diffusers.models.autoencoders.vae.DiagonalGaussianDistribution.sample", lambda drawn, *_: drawn.mode()
        )
        theirs = pipe(
            prompt="moss", negative_prompt="", width=64, height=64, num_inference_steps=4, guidance_scale=4.0,
            generator=torch.Generator().manual_seed(3), control_image=picture_tensor(rgb) * 2 - 1,
            controlnet_conditioning_scale=0.8, output_type="np",
        ).images[0]  # fmt: skip
    shown = pixels(layer.picture)[..., :3].astype(int)
    assert np.abs(shown - np.rint(theirs * 255)).max() <= 1


@pytest.mark.parametrize("family", ["sd3", "flux", "qwen-image"])
def test_two_add_up_and_each_acts_in_its_share_of_the_steps(
    guided_bench: Bench, sources: tuple[AdapterSource, ...], family: str
) -> None:
    def run(*controls: Control) -> object:
        return guided_bench.run(guided(PLAIN, *controls), family, adapters=sources)

    plain, whole, half = run(), run(control(family)), run(control(family, strength=0.5))
    assert difference(run(control(family, strength=0.5), control(family, strength=0.5)), whole) <= 1
    first, second = run(control(family, end=0.5)), run(control(family, start=0.5))
    if family != "qwen-image":  # Whose tiny one hardly shows anything of its prompt.
        assert len({bytes(each.layer.picture.pixels) for each in (plain, whole, half, first, second)}) == 5
    assert same(run(control(family, start=0.5, end=0.5)), plain)


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_it_guides_regions_as_well(guided_bench: Bench, sources: tuple[AdapterSource, ...], family: str) -> None:
    task = dataclasses.replace(PLAIN, regions=(Region(mask=mask_picture(64, 64, (0, 0, 32, 64)), prompt="bricks"),))
    once = guided_bench.run(guided(task, control(family)), family, adapters=sources)
    assert difference(once, guided_bench.run(task, family)) > 0
    assert difference(once, guided_bench.run(guided(PLAIN, control(family)), family, adapters=sources)) > 0


@pytest.mark.parametrize("family", ["sd3", "flux"])
def test_what_is_rolled_takes_none(guided_bench: Bench, sources: tuple[AdapterSource, ...], family: str) -> None:
    around = dataclasses.replace(PLAIN, seamless="x")
    outcome = guided_bench.run(guided(around, control(family)), family, adapters=sources)
    assert outcome.error is ErrorCode.TASK_UNSUPPORTED


def test_a_tile_is_guided_by_its_own_part(guided_bench: Bench, sources: tuple[AdapterSource, ...]) -> None:
    # Guiding pictures that differ on the left alone: what is painted on the right, more than a tile away, is the same.
    other = np.frombuffer(EDGES.pixels, np.uint8).reshape(64, 64, 3).copy()
    other[:, :8] = 255 - other[:, :8]
    changed = Picture(64, 64, PixelFormat.RGB8, other.tobytes())
    task = dataclasses.replace(TASKS["upscale"], scale=4, steps=2)
    # One step: with every further one a tile tells its neighbours.
    one, two = (
        pixels(guided_bench.run(guided(task, control("flux", image)), "flux", adapters=sources).layer.picture)
        for image in (EDGES, changed)
    )
    assert (one[:, :30] != two[:, :30]).any()
    assert (one[:, 160:] == two[:, 160:]).all()


@pytest.fixture(scope="module")
def union(folders: dict[str, tuple[Path, Path]], tmp_path_factory: pytest.TempPathFactory) -> AdapterSource:
    """A ControlNet for Flux of four kinds: canny, tile, depth and blur."""
    folder = tmp_path_factory.mktemp("union") / "union"
    return AdapterSource(
        "union", "controlnet", str(build_packed_controlnet(folders["flux"][0], folder, "flux", modes=4))
    )


@pytest.fixture(scope="module")
def depth(tmp_path_factory: pytest.TempPathFactory) -> AdapterSource:
    return AdapterSource(
        "estimated", "depth", str(build_depth_anything(tmp_path_factory.mktemp("depth") / "estimated"))
    )


@pytest.mark.parametrize("kind", ["text-to-image", "upscale"])
def test_a_union_is_told_which_kind_of_picture_it_is_shown(
    guided_bench: Bench, union: AdapterSource, depth: AdapterSource, kind: str
) -> None:
    plain, edges, nearness = (
        guided_bench.run(guided(TASKS[kind], *controls), "flux", adapters=(union, depth))
        for controls in ((), (control("union", preprocess="canny"),), (control("union", preprocess="estimated"),))
    )
    assert difference(edges, plain) > 0
    assert difference(nearness, edges) > 0


@pytest.mark.parametrize("preprocess", ["", "lineart"])
def test_a_union_that_nobody_tells_what_it_sees_is_refused_with_what_to_do(
    guided_bench: Bench, union: AdapterSource, preprocess: str
) -> None:
    task = guided(PLAIN, control("union", preprocess=preprocess))
    outcome = guided_bench.run(task, "flux", adapters=(union,))
    assert outcome.error is ErrorCode.INVALID_FIELD
    assert outcome.ended.error.field == "task.controls[0].shows"
    assert "canny" in outcome.ended.error.hint
    assert "pose" not in outcome.ended.error.hint, "of which it has no number"


def test_a_union_is_told_what_a_finished_picture_shows(guided_bench: Bench, union: AdapterSource) -> None:
    edges = random_picture(64, 64, PixelFormat.GRAY8, seed=4)
    told: dict[str, Outcome] = {
        kind: guided_bench.run(guided(PLAIN, control("union", edges, shows=kind)), "flux", adapters=(union,))
        for kind in ("canny", "depth")
    }
    assert difference(told["canny"], told["depth"]) > 0
    (adapter,) = told["depth"].layer.recipe["adapters"]
    assert adapter["shows"] == "depth"
    # What is said goes before what the preprocessor would mean: strokes may be shown as edges.
    strokes = control("union", edges, preprocess="lineart", shows="canny")
    assert difference(guided_bench.run(guided(PLAIN, strokes), "flux", adapters=(union,)), told["canny"]) > 0
    unknown = guided_bench.run(guided(PLAIN, control("union", edges, shows="normal")), "flux", adapters=(union,))
    assert unknown.error is ErrorCode.INVALID_FIELD
    assert "normal" in unknown.ended.error.message


def test_one_for_flux_1_is_refused_with_flux_2(
    guided_bench: Bench, sources: tuple[AdapterSource, ...], tmp_path: Path
) -> None:
    bench = Bench({"flux2-klein": build_tiny("flux2-klein", tmp_path / "flux2-klein")})
    outcome = bench.run(guided(PLAIN, control("flux")), "flux2-klein", adapters=sources)
    assert outcome.error is ErrorCode.TASK_UNSUPPORTED
