"""Poses, segmentations and normals are made of ordinary pictures by networks of transformers' own classes.

The networks are tiny and their weights random: what they find means nothing, where it goes does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bridge.engine.adapters.ade_palette import ADE_COLOURS
from bridge.engine.adapters.normal_picture import normals_of_scene, normals_of_surface
from bridge.engine.adapters.persons import MOST_PERSONS, read_persons
from bridge.engine.adapters.pose import Box, read_pose
from bridge.engine.adapters.segmentation import read_segmentation
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import PixelFormat
from bridge.protocol.tasks import Control, TextToImage, Upscale
from tests.conftest import DaemonFactory
from tests.daemon.peer import Peer
from tests.engine.adapters.outcomes import difference, same
from tests.engine.bench import Bench, random_picture
from tests.tiny_adapters import build_controlnet
from tests.tiny_depth import build_depth_anything
from tests.tiny_models import build_tiny_sd
from tests.tiny_networks import build_rtdetr, build_segformer, build_vitpose

PHOTO = random_picture(70, 60, PixelFormat.RGB8, seed=4)
PLAIN = TextToImage(prompt="moss", width=64, height=64, seed=3, steps=2)
UPSCALE = Upscale(prompt="moss", image=random_picture(50, 41), scale=2.3, strength=0.7, steps=2, seed=1)
NOISE = np.random.default_rng(0).random((60, 91, 3), dtype=np.float32)


@pytest.fixture(scope="module")
def sources(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, AdapterSource]:
    root = tmp_path_factory.mktemp("networks")
    return {
        "net": AdapterSource("net", "controlnet", str(build_controlnet(models["sd"], root / "net"))),
        "depth": AdapterSource("nearness", "depth", str(build_depth_anything(root / "nearness"))),
        "pose": AdapterSource("vitpose", "pose", str(build_vitpose(root / "vitpose"))),
        "persons": AdapterSource("rtdetr", "detection", str(build_rtdetr(root / "rtdetr"))),
        "segmentation": AdapterSource("ade", "segmentation", str(build_segformer(root / "ade"))),
    }


def test_a_segmentation_has_the_colours_of_ade20k_alone(sources: dict[str, AdapterSource]) -> None:
    net = read_segmentation(sources["segmentation"], Path(sources["segmentation"].location)).eval()
    made = net.segmentation(NOISE)
    assert made.shape == NOISE.shape
    found = {tuple(colour) for colour in made.reshape(-1, 3).tolist()}
    assert len(found) > 1
    assert found <= {tuple(colour) for colour in ADE_COLOURS.tolist()}


def test_the_palette_begins_with_wall_building_and_sky_and_ends_with_flag() -> None:
    shown = np.rint(ADE_COLOURS * 255).astype(int).tolist()
    assert shown[:3] == [[120, 120, 120], [180, 120, 120], [6, 230, 230]]
    assert shown[12] == [150, 5, 61], "person"
    assert shown[149] == [92, 0, 255]
    assert len({tuple(colour) for colour in shown}) == 149, "two of the benchmark's are the same grey"


@pytest.mark.parametrize("experts", [1, 3])
def test_a_pose_lies_in_the_part_of_the_picture_that_it_was_looked_for_in(tmp_path: Path, experts: int) -> None:
    folder = build_vitpose(tmp_path / "vitpose", experts=experts)
    net = read_pose(AdapterSource("vitpose", "pose", ""), folder).eval()
    box = Box(40, 20, 60, 50)
    part = box.shown(0.75)
    assert (part.right - part.left) / (part.bottom - part.top) == pytest.approx(0.75, abs=0.05)
    joints = net.joints(NOISE, box)
    assert len(joints) == 17
    assert all(part.left <= joint.x <= part.right and part.top <= joint.y <= part.bottom for joint in joints)
    assert net.pose(NOISE, [box]).shape == NOISE.shape


def test_without_boxes_the_whole_picture_is_one_person(sources: dict[str, AdapterSource]) -> None:
    net = read_pose(sources["pose"], Path(sources["pose"].location)).eval()
    np.testing.assert_array_equal(net.pose(NOISE, []), net.pose(NOISE, [Box(0, 0, 91, 60)]))


def test_persons_are_boxed_in_pixels_and_what_is_unlikely_is_left_out(tmp_path: Path) -> None:
    source = AdapterSource("rtdetr", "detection", "")
    boxes = read_persons(source, build_rtdetr(tmp_path / "sure")).eval().boxes(NOISE)
    assert 0 < len(boxes) <= MOST_PERSONS
    assert all(box.left < box.right <= 91 * 1.5 and box.top < box.bottom <= 60 * 1.5 for box in boxes)
    assert read_persons(source, build_rtdetr(tmp_path / "unsure", sure=-3)).eval().boxes(NOISE) == []


def a_folder_of_nothing(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


ODD: dict[str, tuple[Callable[..., object], Callable[[Path], Path]]] = {
    "joints": (read_pose, partial(build_vitpose, joints=21)),
    "kinds of things": (read_segmentation, partial(build_segformer, kinds=19)),
    "no persons": (read_persons, partial(build_rtdetr, names=("cup", "cat"))),
    "nothing": (read_segmentation, a_folder_of_nothing),
}


@pytest.mark.parametrize("knows", ODD)
def test_a_network_that_knows_something_else_is_refused_by_name(tmp_path: Path, knows: str) -> None:
    read, build = ODD[knows]
    folder = build(tmp_path / "odd")
    with pytest.raises(BridgeError) as caught:
        read(AdapterSource("odd", "pose", ""), folder)
    assert caught.value.code is ErrorCode.MODEL_UNUSABLE
    assert "odd" in caught.value.message


def test_normals_are_red_to_the_left_green_upwards_and_blue_towards_the_viewer() -> None:
    across = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None], 64, 0)
    flat, left, up = (normals_of_scene(each)[32, 32] for each in (np.zeros_like(across), across, across.T))
    np.testing.assert_allclose(flat, [0.5, 0.5, 1], atol=1e-6)
    assert left[0] > 0.6, "nearer to the right: it faces left"
    assert left[1] == pytest.approx(0.5)
    assert up[1] > 0.6, "nearer at the bottom: it faces up, like a floor"
    assert up[2] < 1


def test_an_even_picture_is_a_flat_surface() -> None:
    flat = normals_of_surface(np.full((40, 48, 3), 0.4, np.float32))
    np.testing.assert_allclose(flat, np.broadcast_to([0.5, 0.5, 1], flat.shape), atol=1e-5)


MADE = {
    "pose by name": ("vitpose", ("pose",), {"preprocessor_hash"}),
    "pose of persons": ("pose", ("pose", "persons"), {"preprocessor_hash", "detector_hash"}),
    "segmentation": ("segmentation", ("segmentation",), {"preprocessor_hash"}),
    "depth": ("depth", ("depth",), {"preprocessor_hash"}),
    "normal by shading": ("normal", (), set()),
    "normal by depth": ("normal", ("depth",), {"preprocessor_hash"}),
}


@pytest.mark.parametrize("made", MADE)
def test_a_control_is_made_by_it_and_the_recipe_names_its_hash(
    bench: Bench, sources: dict[str, AdapterSource], made: str
) -> None:
    name, helpers, hashes = MADE[made]
    there = (sources["net"], *(sources[helper] for helper in helpers))
    plain, control = (Control(image=PHOTO, adapter="net", preprocess=each) for each in ("", name))
    outcome = bench.run(dataclasses.replace(PLAIN, controls=(control,)), adapters=there)
    assert difference(outcome, bench.run(dataclasses.replace(PLAIN, controls=(plain,)), adapters=there)) > 0
    assert same(bench.run(dataclasses.replace(PLAIN, controls=(control,)), adapters=there), outcome)
    (adapter,) = outcome.layer.recipe["adapters"]
    assert adapter["preprocess"] == name
    assert {key for key in adapter if key.endswith("or_hash")} == hashes


def test_normals_follow_the_depth_where_there_is_one(bench: Bench, sources: dict[str, AdapterSource]) -> None:
    task = dataclasses.replace(PLAIN, controls=(Control(image=PHOTO, adapter="net", preprocess="normal"),))
    shading, depth = (
        bench.run(task, adapters=there) for there in ((sources["net"],), (sources["net"], sources["depth"]))
    )
    assert difference(shading, depth) > 0


@pytest.mark.parametrize("name", ["pose", "normal"])
def test_tiles_are_guided_by_their_part_of_what_was_made_of_the_whole(
    bench: Bench, sources: dict[str, AdapterSource], name: str
) -> None:
    there = (sources["net"], sources["pose"])
    controls = (Control(image=PHOTO, adapter="net", preprocess=each) for each in ("", name))
    outcomes = [bench.run(dataclasses.replace(UPSCALE, controls=(each,)), adapters=there) for each in controls]
    assert difference(*outcomes) > 0


@pytest.mark.parametrize("name", ["depth", "pose", "segmentation"])
def test_without_a_network_it_is_refused_in_words(bench: Bench, sources: dict[str, AdapterSource], name: str) -> None:
    task = dataclasses.replace(PLAIN, controls=(Control(image=PHOTO, adapter="net", preprocess=name),))
    outcome = bench.run(task, adapters=(sources["net"],))
    assert outcome.error is ErrorCode.INVALID_FIELD
    assert outcome.ended.error.field == "task.controls[0].preprocess"
    assert name in outcome.ended.error.message


def test_the_daemon_finds_the_networks_and_says_what_is_missing(daemon_factory: DaemonFactory, tmp_path: Path) -> None:
    model = build_tiny_sd(tmp_path / "tiny")
    build_controlnet(model, tmp_path / "controlnets" / "net")
    build_vitpose(tmp_path / "preprocessors" / "vitpose")
    build_rtdetr(tmp_path / "preprocessors" / "rtdetr")
    build_segformer(tmp_path / "preprocessors" / "ade")
    daemon = daemon_factory("--models-dir", str(tmp_path))
    with Peer(daemon.url, daemon.token) as peer:
        assert {"normal", "vitpose", "ade"} <= set(peer.welcome.preprocessors)
        for made in ("pose", "segmentation", "normal"):
            control = Control(image=PHOTO, adapter="net", preprocess=made)
            peer.submit(made, dataclasses.replace(PLAIN, model="tiny", controls=(control,)))
            assert peer.events(made)[-1].type == "job_finished"
        control = Control(image=PHOTO, adapter="net", preprocess="depth")
        refused = peer.submit("depth", dataclasses.replace(PLAIN, model="tiny", controls=(control,)))
        assert refused.error.code is ErrorCode.UNKNOWN_ADAPTER
        assert "Depth Anything" in refused.error.hint
    daemon.stop()
