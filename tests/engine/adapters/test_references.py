"""T2I-Adapters and IP-Adapters: the same promises as for ControlNets, by other ways into the UNet."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import ErrorCode
from bridge.protocol.pixels import PixelFormat
from bridge.protocol.tasks import Control, Generation, ImageToImage, Inpaint, TextToImage
from tests.engine.adapters.outcomes import difference, same
from tests.engine.bench import Bench, Outcome, mask_picture, random_picture
from tests.tiny_adapters import build_controlnet, build_ip_adapter, build_t2i_adapter

PICTURE = random_picture(64, 64)
LOOK = random_picture(96, 48, PixelFormat.RGB8, seed=4)
TASKS: dict[str, Generation] = {
    "text-to-image": TextToImage(prompt="moss", width=64, height=64, seed=3, steps=4),
    "image-to-image": ImageToImage(prompt="moss", image=PICTURE, seed=3, steps=4),
    "inpaint": Inpaint(prompt="moss", image=PICTURE, mask=mask_picture(64, 64, (20, 20, 24, 24)), seed=3, steps=4),
}
PLAIN = TASKS["text-to-image"]
Sources = dict[str, AdapterSource]


@pytest.fixture(scope="module")
def sources(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Sources:
    root = tmp_path_factory.mktemp("references")
    return {
        "t2i": AdapterSource("t2i", "t2i-adapter", str(build_t2i_adapter(root / "t2i"))),
        "ip": AdapterSource("ip", "ip-adapter", str(build_ip_adapter(models["sd"], root / "ip"))),
        "ip xl": AdapterSource("ip xl", "ip-adapter", str(build_ip_adapter(models["sdxl"], root / "xl"))),
        "net": AdapterSource("net", "controlnet", str(build_controlnet(models["sd"], root / "net"))),
    }


def run(bench: Bench, sources: Sources, task: Generation, *controls: Control, model: str = "sd") -> Outcome:
    task = dataclasses.replace(task, controls=controls)
    return bench.run(task, model, adapters=tuple(sources.values()))


def by(adapter: str, **more: object) -> Control:
    return Control(image=LOOK, adapter=adapter, **more)


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize(("model", "adapter"), [("sd", "t2i"), ("sdxl", "t2i"), ("sd", "ip"), ("sdxl", "ip xl")])
def test_it_guides_every_task_and_leaves_nothing_behind(
    bench: Bench, sources: Sources, model: str, adapter: str, kind: str
) -> None:
    plain = run(bench, sources, TASKS[kind], model=model)
    once = run(bench, sources, TASKS[kind], by(adapter), model=model)
    assert difference(once, plain) > 1
    assert same(run(bench, sources, TASKS[kind], by(adapter), model=model), once)
    assert same(run(bench, sources, TASKS[kind], model=model), plain)


@pytest.mark.parametrize("adapter", ["t2i", "ip"])
def test_strength_start_and_end_are_kept(bench: Bench, sources: Sources, adapter: str) -> None:
    plain, whole = run(bench, sources, PLAIN), run(bench, sources, PLAIN, by(adapter))
    assert same(run(bench, sources, PLAIN, by(adapter, strength=0)), plain)
    half = run(bench, sources, PLAIN, by(adapter, strength=0.5))
    first, second = (run(bench, sources, PLAIN, by(adapter, start=a, end=b)) for a, b in ((0, 0.5), (0.5, 1)))
    told_apart = [plain, whole, half, first, second]
    assert len({bytes(outcome.layer.picture.pixels) for outcome in told_apart}) == len(told_apart)


def test_the_picture_matters(bench: Bench, sources: Sources) -> None:
    other = random_picture(96, 48, PixelFormat.RGB8, seed=5)
    for adapter in ("t2i", "ip"):
        seen = [run(bench, sources, PLAIN, dataclasses.replace(by(adapter), image=image)) for image in (LOOK, other)]
        assert not same(*seen)


def test_all_kinds_work_together(bench: Bench, sources: Sources) -> None:
    plain = run(bench, sources, PLAIN)
    together = run(bench, sources, PLAIN, by("net"), by("t2i"), by("ip"), by("ip", strength=0.3))
    for left_out in ((by("t2i"), by("ip")), (by("net"), by("ip")), (by("net"), by("t2i"))):
        assert not same(run(bench, sources, PLAIN, *left_out), together)
    assert same(run(bench, sources, PLAIN), plain)
    assert [entry["type"] for entry in together.layer.recipe["adapters"]] == [
        "controlnet", "t2i-adapter", "ip-adapter", "ip-adapter",
    ]  # fmt: skip


def test_a_batch_is_guided_like_single_images(bench: Bench, sources: Sources) -> None:
    task = dataclasses.replace(PLAIN, images=2, controls=(by("t2i"), by("ip")))
    batch, single = (
        bench.run(dataclasses.replace(task, batch_size=size), adapters=tuple(sources.values())).layers
        for size in (2, 1)
    )
    for one, other in zip(batch, single, strict=True):
        assert max(abs(a - b) for a, b in zip(one.picture.pixels, other.picture.pixels, strict=True)) <= 2


def test_an_ip_adapter_of_another_family_names_both(bench: Bench, sources: Sources) -> None:
    outcome = run(bench, sources, PLAIN, by("ip xl"))
    assert outcome.error is ErrorCode.TASK_UNSUPPORTED
    assert "64 wide" in outcome.ended.error.message
    assert "32 wide" in outcome.ended.error.message
    assert run(bench, sources, PLAIN, by("ip"), model="sd3").error is ErrorCode.TASK_UNSUPPORTED
    assert run(bench, sources, PLAIN, by("t2i"), model="sd3").error is ErrorCode.TASK_UNSUPPORTED


def test_an_ip_adapter_without_its_encoder_says_so(bench: Bench, sources: Sources, tmp_path: Path) -> None:
    save_file(load_file(sources["ip"].location), tmp_path / "alone.safetensors")
    alone = {"alone": AdapterSource("alone", "ip-adapter", str(tmp_path / "alone.safetensors"))}
    outcome = run(bench, alone, PLAIN, by("alone"))
    assert outcome.error is ErrorCode.MODEL_UNUSABLE
    assert "image_encoder" in outcome.ended.error.message


@pytest.mark.parametrize("adapter", ["net", "t2i", "ip"])
def test_a_canvas_too_large_for_one_go_is_composed_by_the_guides(bench: Bench, sources: Sources, adapter: str) -> None:
    large = dataclasses.replace(PLAIN, width=160, height=96, steps=2)
    plain = run(bench, sources, large)
    assert "second" in plain.layer.recipe["computed"]
    assert not same(run(bench, sources, large, by(adapter)), plain)
    assert same(run(bench, sources, large), plain)
