"""Guides act on what is painted in tiles: each tile is guided by its own part of the guiding picture."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Control, TextToImage, Upscale
from tests.engine.adapters.outcomes import difference, same
from tests.engine.bench import Bench, Outcome, pixels, random_picture
from tests.tiny_adapters import build_controlnet, build_ip_adapter, build_t2i_adapter

SMALL = random_picture(50, 41)
LINES = random_picture(60, 60, PixelFormat.RGB8, seed=4)
UPSCALE = Upscale(prompt="moss", image=SMALL, scale=2.3, strength=0.7, steps=2, seed=1)


@pytest.fixture(scope="module")
def sources(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[AdapterSource, ...]:
    root = tmp_path_factory.mktemp("guides")
    nets = {name: build_controlnet(models[model], root / name) for name, model in (("sd", "sd"), ("sdxl", "sdxl"))}
    second = build_controlnet(models["sd"], root / "second", seed=1)
    return (
        *(AdapterSource(name, "controlnet", str(path)) for name, path in (*nets.items(), ("second", second))),
        AdapterSource("t2i", "t2i-adapter", str(build_t2i_adapter(root / "t2i"))),
        AdapterSource("ip", "ip-adapter", str(build_ip_adapter(models["sd"], root / "ip"))),
    )


def run(
    bench: Bench,
    sources: tuple[AdapterSource, ...],
    *names: str,
    model: str = "sd",
    image: Picture = LINES,
    scale: float = 2.3,
    **more: object,
) -> Outcome:
    controls = tuple(Control(image=image, adapter=name, **more) for name in names)
    return bench.run(dataclasses.replace(UPSCALE, controls=controls, scale=scale), model, adapters=sources)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("sd", ("sd",)),
        ("sdxl", ("sdxl",)),
        ("sd", ("sd", "second")),
        ("sd", ("ip",)),
        ("sd", ("t2i",)),
        ("sd", ("t2i", "sd")),
    ],
)
def test_they_guide_an_enlargement_and_leave_nothing_behind(
    bench: Bench, sources: tuple[AdapterSource, ...], model: str, names: tuple[str, ...]
) -> None:
    plain = run(bench, sources, model=model)
    once = run(bench, sources, *names, model=model)
    assert difference(once, plain) > 1
    assert same(run(bench, sources, *names, model=model), once)
    assert same(run(bench, sources, model=model), plain)
    assert [adapter["id"] for adapter in once.layer.recipe["adapters"]] == list(names)


def test_a_tile_sees_its_own_part_of_the_guiding_picture(bench: Bench, sources: tuple[AdapterSource, ...]) -> None:
    # Guiding pictures that differ on the left alone: what is painted on the right, more than a tile away, is the same.
    other = np.frombuffer(LINES.pixels, np.uint8).reshape(60, 60, 3).copy()
    other[:, :8] = 255 - other[:, :8]
    changed = Picture(60, 60, PixelFormat.RGB8, other.tobytes())
    outcomes = (run(bench, sources, "sd", image=image, scale=4) for image in (LINES, changed))
    one, two = (pixels(outcome.layer.picture) for outcome in outcomes)
    assert one.shape[1] == 200
    assert (one[:, :30] != two[:, :30]).any()
    assert (one[:, 140:] == two[:, 140:]).all()


def test_one_that_guides_by_a_preprocessor_sees_lines_of_its_tile(
    bench: Bench, sources: tuple[AdapterSource, ...]
) -> None:
    assert difference(run(bench, sources, "sd", preprocess="lineart"), run(bench, sources, "sd")) > 0


def test_strength_and_steps_count_as_elsewhere(bench: Bench, sources: tuple[AdapterSource, ...]) -> None:
    plain = run(bench, sources)
    assert same(run(bench, sources, "sd", strength=0.0), plain)
    assert difference(run(bench, sources, "sd", strength=2.0), run(bench, sources, "sd", strength=0.5)) > 0


def test_t2i_adapters_look_at_a_tile_s_own_part(bench: Bench, sources: tuple[AdapterSource, ...]) -> None:
    other = np.frombuffer(LINES.pixels, np.uint8).reshape(60, 60, 3).copy()
    other[:, :8] = 255 - other[:, :8]
    changed = Picture(60, 60, PixelFormat.RGB8, other.tobytes())
    outcomes = (run(bench, sources, "t2i", image=image, scale=4) for image in (LINES, changed))
    one, two = (pixels(outcome.layer.picture) for outcome in outcomes)
    assert (one[:, :30] != two[:, :30]).any()
    assert (one[:, 140:] == two[:, 140:]).all()
    assert same(run(bench, sources, "t2i", start=0.5, end=0.5), run(bench, sources))


@pytest.mark.parametrize("names", [(), ("sd",), ("t2i",), ("ip",)])
def test_a_large_canvas_is_guided_while_it_is_composed_and_painted_over_in_tiles(
    bench: Bench, sources: tuple[AdapterSource, ...], names: tuple[str, ...]
) -> None:
    controls = tuple(Control(image=LINES, adapter=name) for name in names)
    layer = bench.run(
        TextToImage(prompt="moss", width=130, height=100, steps=2, seed=1, controls=controls), adapters=sources
    ).layer
    assert (layer.picture.width, layer.picture.height) == (130, 100)
    assert "second" in layer.recipe["computed"]
