"""Depth estimation models of transformers make guiding pictures of ordinary ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bridge.engine.adapters.depth import read_depth
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import PixelFormat
from bridge.protocol.tasks import Control, TextToImage, Upscale
from tests.engine.adapters.outcomes import difference, same
from tests.engine.bench import Bench, random_picture
from tests.tiny_adapters import build_controlnet
from tests.tiny_depth import build_depth_anything

PHOTO = random_picture(70, 60, PixelFormat.RGB8, seed=4)
PLAIN = TextToImage(prompt="moss", width=64, height=64, seed=3, steps=2)


@pytest.fixture(scope="module")
def sources(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[AdapterSource, ...]:
    root = tmp_path_factory.mktemp("depth")
    return (
        AdapterSource("net", "controlnet", str(build_controlnet(models["sd"], root / "net"))),
        AdapterSource("nearness", "depth", str(build_depth_anything(root / "nearness"))),
    )


def test_nearness_spans_from_black_to_white_in_the_picture_s_size(sources: tuple[AdapterSource, ...]) -> None:
    net = read_depth(sources[1], Path(sources[1].location)).eval()
    picture = np.random.default_rng(0).random((60, 91, 3), dtype=np.float32)
    made = net.depth(picture)
    assert made.shape == picture.shape
    assert made.dtype == np.float32
    assert made.min() < 0.1
    assert made.max() > 0.9
    np.testing.assert_array_equal(made[..., 0], made[..., 2])
    assert net.wishes.size(91, 60) == (84, 56)


def test_distances_are_turned_round(tmp_path: Path) -> None:
    nearness, distance = (
        read_depth(
            AdapterSource("a", "depth", ""), build_depth_anything(tmp_path / kind, depth_estimation_type=kind)
        ).eval()
        for kind in ("relative", "metric")
    )
    assert not nearness.metric
    assert distance.metric


@pytest.mark.parametrize(
    "task", [PLAIN, Upscale(prompt="moss", image=random_picture(50, 41), scale=2.3, strength=0.7, steps=2, seed=1)]
)
def test_a_control_is_made_by_it_and_the_recipe_names_its_hash(
    bench: Bench, sources: tuple[AdapterSource, ...], task: TextToImage | Upscale
) -> None:
    as_it_is, by_depth = (Control(image=PHOTO, adapter="net", preprocess=name) for name in ("", "nearness"))
    plain = bench.run(dataclasses.replace(task, controls=(as_it_is,)), adapters=sources)
    made = bench.run(dataclasses.replace(task, controls=(by_depth,)), adapters=sources)
    assert difference(made, plain) > 0
    assert same(bench.run(dataclasses.replace(task, controls=(by_depth,)), adapters=sources), made)
    (adapter,) = made.layer.recipe["adapters"]
    assert adapter["preprocess"] == "nearness"
    assert str(adapter["preprocessor_hash"]).startswith("sha256:")
    assert adapter["image"] == plain.layer.recipe["adapters"][0]["image"]


def test_a_name_that_nobody_knows_is_refused(bench: Bench, sources: tuple[AdapterSource, ...]) -> None:
    task = dataclasses.replace(PLAIN, controls=(Control(image=PHOTO, adapter="net", preprocess="farness"),))
    assert bench.run(task, adapters=sources).error is ErrorCode.INVALID_FIELD


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BridgeError) as caught:
        read_depth(AdapterSource("broken", "depth", str(tmp_path)), tmp_path)
    assert caught.value.code is ErrorCode.MODEL_UNUSABLE
    assert "broken" in caught.value.message
