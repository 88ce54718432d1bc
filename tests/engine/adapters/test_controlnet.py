"""ControlNets: strength, start and end, several at once, and every task."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from bridge.engine.adapters.preprocessing import preprocess
from bridge.engine.conversion import read_rgb, write_picture
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import ErrorCode
from bridge.protocol.pixels import ColourSpace, PixelFormat
from bridge.protocol.tasks import PREPROCESSORS, Control, Generation, ImageToImage, Inpaint, Outpaint, TextToImage
from tests.engine.adapters.outcomes import difference, same
from tests.engine.bench import Bench, mask_picture, random_picture
from tests.tiny_adapters import build_controlnet

PICTURE = random_picture(64, 64)
EDGES = random_picture(64, 64, PixelFormat.GRAY8, seed=4)
TASKS: dict[str, Generation] = {
    "text-to-image": TextToImage(prompt="moss", width=64, height=64, seed=3, steps=4),
    "image-to-image": ImageToImage(prompt="moss", image=PICTURE, seed=3, steps=4),
    "inpaint": Inpaint(prompt="moss", image=PICTURE, mask=mask_picture(64, 64, (20, 20, 24, 24)), seed=3, steps=4),
    "outpaint": Outpaint(prompt="moss", image=PICTURE, right=32, seed=3, steps=4),
}
PLAIN = TASKS["text-to-image"]


@pytest.fixture(scope="module")
def nets(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, AdapterSource]:
    root = tmp_path_factory.mktemp("controlnets")
    folders = {
        "sd": build_controlnet(models["sd"], root / "sd"),
        "second": build_controlnet(models["sd"], root / "second", seed=1),
        "sdxl": build_controlnet(models["sdxl"], root / "sdxl"),
    }
    return {name: AdapterSource(id=name, type="controlnet", location=str(folder)) for name, folder in folders.items()}


def control(adapter: str = "sd", **more: object) -> Control:
    return Control(image=EDGES, adapter=adapter, **more)


def guided(task: Generation, *controls: Control) -> Generation:
    return dataclasses.replace(task, controls=controls)


@pytest.mark.parametrize("model", ["sd", "sdxl"])
@pytest.mark.parametrize("kind", TASKS)
def test_it_guides_every_task(bench: Bench, nets: dict[str, AdapterSource], model: str, kind: str) -> None:
    adapters = (nets[model],)
    plain = bench.run(TASKS[kind], model)
    once = bench.run(guided(TASKS[kind], control(model)), model, adapters=adapters)
    assert difference(once, plain) > 5
    assert same(bench.run(guided(TASKS[kind], control(model)), model, adapters=adapters), once)
    assert same(bench.run(TASKS[kind], model), plain)


def test_it_guides_a_model_made_for_inpainting(bench: Bench, models: dict[str, Path], tmp_path: Path) -> None:
    source = AdapterSource(id="own", type="controlnet", location=str(build_controlnet(models["sd"], tmp_path / "net")))
    plain = bench.run(TASKS["inpaint"], "inpaint")
    assert difference(bench.run(guided(TASKS["inpaint"], control("own")), "inpaint", adapters=(source,)), plain) > 5


def test_strength_0_is_no_control_at_all(bench: Bench, nets: dict[str, AdapterSource]) -> None:
    nothing = bench.run(guided(PLAIN, control(strength=0)), adapters=(nets["sd"],))
    assert same(nothing, bench.run(PLAIN))


def test_strength_grades_it(bench: Bench, nets: dict[str, AdapterSource]) -> None:
    plain = bench.run(PLAIN)
    weak = bench.run(guided(PLAIN, control(strength=0.05)), adapters=(nets["sd"],))
    strong = bench.run(guided(PLAIN, control(strength=1.5)), adapters=(nets["sd"],))
    assert 0 < difference(weak, plain) < difference(strong, plain)


def test_start_and_end_are_kept(bench: Bench, nets: dict[str, AdapterSource]) -> None:
    def run(start: float, end: float) -> object:
        return bench.run(guided(PLAIN, control(start=start, end=end)), adapters=(nets["sd"],))

    plain, whole = bench.run(PLAIN), run(0, 1)
    first, second = run(0, 0.5), run(0.5, 1)
    for one, other in ((first, plain), (first, whole), (second, plain), (second, whole), (first, second)):
        assert not same(one, other)
    assert same(run(0.5, 0.5), plain)


def test_a_start_after_the_end_is_refused(bench: Bench, nets: dict[str, AdapterSource]) -> None:
    outcome = bench.run(guided(PLAIN, control(), control(start=0.8, end=0.2)), adapters=(nets["sd"],))
    assert outcome.error is ErrorCode.INVALID_FIELD
    assert outcome.ended.error.field == "task.controls[1].start"


def test_several_guide_together(bench: Bench, nets: dict[str, AdapterSource]) -> None:
    adapters = (nets["sd"], nets["second"])
    both = bench.run(guided(PLAIN, control(), control("second", strength=0.5, end=0.6)), adapters=adapters)
    for alone in (control(), control("second", strength=0.5, end=0.6)):
        assert not same(bench.run(guided(PLAIN, alone), adapters=adapters), both)
    off = bench.run(guided(PLAIN, control(), control("second", strength=0)), adapters=adapters)
    assert same(off, bench.run(guided(PLAIN, control()), adapters=adapters))


def test_a_batch_is_guided_like_single_images(bench: Bench, nets: dict[str, AdapterSource]) -> None:
    task = dataclasses.replace(guided(PLAIN, control()), images=2, batch_size=2)
    batch = bench.run(task, adapters=(nets["sd"],)).layers
    single = bench.run(dataclasses.replace(task, batch_size=1), adapters=(nets["sd"],)).layers
    for one, other in zip(batch, single, strict=True):
        assert max(abs(a - b) for a, b in zip(one.picture.pixels, other.picture.pixels, strict=True)) <= 2


def test_an_inpainting_crop_sees_its_part_of_the_picture(bench: Bench, nets: dict[str, AdapterSource]) -> None:
    """What the guiding picture shows far from the mask makes no difference, what it shows within does."""
    canvas = random_picture(256, 256)
    mask = mask_picture(256, 256, (32, 32, 24, 24))
    task = Inpaint(prompt="moss", image=canvas, mask=mask, seed=3, steps=2, context=16, feather=8)

    def run(*boxes: tuple[int, int, int, int]) -> object:
        lines = dataclasses.replace(control(), image=mask_picture(256, 256, *boxes))
        return bench.run(guided(task, lines), adapters=(nets["sd"],))

    empty = run()
    assert same(run((160, 160, 64, 64)), empty)
    assert not same(run((32, 32, 16, 16)), empty)


def test_a_guiding_picture_of_another_size_is_stretched(bench: Bench, nets: dict[str, AdapterSource]) -> None:
    half = dataclasses.replace(control(), image=mask_picture(32, 32, (0, 0, 16, 32)))
    full = dataclasses.replace(control(), image=mask_picture(64, 64, (0, 0, 32, 64)))
    small, large = (bench.run(guided(PLAIN, each), adapters=(nets["sd"],)) for each in (half, full))
    assert difference(small, large) < difference(large, bench.run(PLAIN))


@pytest.mark.parametrize("name", PREPROCESSORS)
def test_an_ordinary_picture_is_made_a_guiding_one(bench: Bench, nets: dict[str, AdapterSource], name: str) -> None:
    ordinary = random_picture(64, 64, PixelFormat.RGBA32F, seed=8)
    rgb, _ = read_rgb(ordinary)
    by_hand = write_picture(preprocess(name, rgb, ""), None, PixelFormat.RGBA32F, ColourSpace.SRGB)
    asked = guided(PLAIN, dataclasses.replace(control(preprocess=name), image=ordinary))
    given = guided(PLAIN, dataclasses.replace(control(), image=by_hand))
    assert same(bench.run(asked, adapters=(nets["sd"],)), bench.run(given, adapters=(nets["sd"],)))


def test_an_unknown_preprocessor_is_refused(bench: Bench, nets: dict[str, AdapterSource]) -> None:
    outcome = bench.run(guided(PLAIN, control(preprocess="depth")), adapters=(nets["sd"],))
    assert outcome.error is ErrorCode.INVALID_FIELD
    assert outcome.ended.error.field == "task.controls[0].preprocess"


def test_one_file_is_as_good_as_a_folder(
    bench: Bench, models: dict[str, Path], nets: dict[str, AdapterSource], tmp_path: Path
) -> None:
    tensors = load_file(Path(nets["sd"].location) / "diffusion_pytorch_model.safetensors")
    save_file(tensors, tmp_path / "net.safetensors")
    single = AdapterSource(id="single", type="controlnet", location=str(tmp_path / "net.safetensors"))
    from_file = bench.run(guided(PLAIN, control("single")), adapters=(single,))
    assert same(from_file, bench.run(guided(PLAIN, control()), adapters=(nets["sd"],)))


def test_loaded_ones_are_kept_counted_and_make_room(
    fresh_bench: Bench, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.engine.adapters.guides.MOST_KEPT", 2)
    fresh_bench.run(PLAIN)
    without = fresh_bench.shelf.bytes
    sizes = []
    for n in range(4):
        folder = build_controlnet(models["sd"], tmp_path / str(n), seed=n)
        source = AdapterSource(id="net", type="controlnet", location=str(folder))
        for _ in range(2):
            fresh_bench.run(guided(PLAIN, control("net")), adapters=(source,)).layer  # noqa: B018 - it checks
        sizes.append(fresh_bench.shelf.bytes - without)
    each = sizes[0]
    assert each > 10_000
    assert sizes == [each, 2 * each, 2 * each, 2 * each]


def test_the_recipe_names_adapter_and_picture(bench: Bench, nets: dict[str, AdapterSource]) -> None:
    recipe = bench.run(guided(PLAIN, control(strength=0.5, end=0.75)), adapters=(nets["sd"],)).layer.recipe
    (entry,) = recipe["adapters"]
    assert entry["hash"].startswith("sha256:")
    assert entry["image"].startswith("sha256:")
    assert (entry["id"], entry["type"], entry["strength"], entry["end"]) == ("sd", "controlnet", 0.5, 0.75)


def test_one_of_another_family_names_both(bench: Bench, nets: dict[str, AdapterSource]) -> None:
    outcome = bench.run(guided(PLAIN, control("sdxl")), adapters=(nets["sdxl"],))
    assert outcome.error is ErrorCode.TASK_UNSUPPORTED
    assert "64 wide" in outcome.ended.error.message
    assert "32 wide" in outcome.ended.error.message
    assert outcome.ended.error.field == "task.controls[0].adapter"
    assert bench.run(guided(PLAIN, control("sd")), "sd3", adapters=(nets["sd"],)).error is ErrorCode.TASK_UNSUPPORTED


def test_a_lora_is_no_control(bench: Bench) -> None:
    source = AdapterSource(id="moss", type="lora", location="nowhere")
    outcome = bench.run(guided(PLAIN, control("moss")), adapters=(source,))
    assert outcome.error is ErrorCode.UNKNOWN_ADAPTER
    assert "of type lora" in outcome.ended.error.message
