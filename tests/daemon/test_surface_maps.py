"""The maps of a material through the real daemon and its engine process."""

import numpy as np
import pytest

from bridge.client import connect, picture_to_numpy
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import JobProgress
from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat
from bridge.protocol.tasks import SurfaceMaps

from .peer import Peer

FORMATS = {
    "normal": PixelFormat.RGB16,
    "height": PixelFormat.GRAY16,
    "roughness": PixelFormat.GRAY8,
    "occlusion": PixelFormat.GRAY8,
    "metallic": PixelFormat.GRAY8,
}


@pytest.fixture(scope="module")
def stone() -> Picture:
    waves = np.sin(np.mgrid[0:64, 0:64].sum(0) / 64 * 2 * np.pi * 3)[..., None] * 60 + np.array([120, 110, 90])
    return Picture(64, 64, PixelFormat.RGB8, waves.astype(np.uint8).tobytes())


def test_the_whole_set_comes_in_the_order_asked_and_says_what_it_is(tiny_daemon, stone):
    asked = ("height", "metallic", "normal", "occlusion", "roughness")
    with Peer(tiny_daemon.url, tiny_daemon.token) as peer:
        assert "surface-maps" in peer.welcome.tasks
        assert all("surface-maps" not in model.tasks for model in peer.welcome.models)
        peer.submit("set", SurfaceMaps(image=stone, maps=asked, seamless="xy"))
        events = peer.events("set")
    layers = [event.layer for event in events if event.type == "job_result"]
    assert tuple(layer.recipe["map"] for layer in layers) == asked
    for layer in layers:
        assert layer.picture.format is FORMATS[layer.recipe["map"]]
        assert layer.picture.colour_space is ColourSpace.DATA
        assert (layer.picture.width, layer.picture.height) == (64, 64)
    stages = {event.stage for event in events if isinstance(event, JobProgress)}
    assert stages <= {"queued", "mapping"}, "no model is loaded"


def test_a_texture_from_a_prompt_gets_its_maps(daemon):
    with connect(daemon.url, token=daemon.token) as bridge:
        colour = bridge.generate("grey cobblestone", width=128, height=96, steps=4, seed=3, seamless="xy", timeout=120)
        maps = bridge.surface_maps(colour.picture, seamless="xy", relief=4, timeout=60)
    normals = picture_to_numpy(maps["normal"].picture) / 65535 * 2 - 1
    assert normals.shape == (96, 128, 3)
    assert np.abs(np.linalg.norm(normals, axis=-1) - 1).max() < 1e-4
    assert normals[..., :2].std() > 0.02, "the relief is there"
    assert abs(normals[..., :2].mean()) < 0.02, "and leans nowhere"
    assert maps["occlusion"].recipe["parameters"]["relief"] == 4


def test_maps_are_made_where_the_default_model_cannot_be_used(daemon_factory, stone, tmp_path):
    crippled = daemon_factory("--model", str(tmp_path / "gone"))
    with connect(crippled.url, token=crippled.token) as bridge:
        assert bridge.models[0].unusable
        layers = bridge.surface_maps(stone, maps=("normal",), timeout=60)
    assert list(layers) == ["normal"]


def test_maps_are_kept_and_outlive_the_daemon(fresh_daemon, stone):
    with connect(fresh_daemon.url, token=fresh_daemon.token) as bridge:
        job = bridge.submit(SurfaceMaps(image=stone))
        made = job.result(60)
    fresh_daemon.kill()
    fresh_daemon.start()
    with connect(fresh_daemon.url, token=fresh_daemon.token) as bridge:
        summary = next(each for each in bridge.jobs() if each.job_id == job.id)
        assert (summary.task, summary.images, summary.results, summary.state) == ("surface-maps", 4, 4, "finished")
        for position, layer in enumerate(made):
            kept = bridge.fetch(job.id, position).layer
            assert kept == layer
            assert (picture_to_numpy(kept.picture) == picture_to_numpy(layer.picture)).all()


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("maps", []), ("maps", ["normal", "normal"]), ("maps", ["colour"]), ("relief", 51), ("bits", 12), ("detail", -1)],
)
def test_what_cannot_be_made_is_refused_with_its_field(tiny_daemon, stone, field, wrong):
    task = SurfaceMaps(image=stone)
    object.__setattr__(task, field, tuple(wrong) if isinstance(wrong, list) else wrong)
    with connect(tiny_daemon.url, token=tiny_daemon.token) as bridge, pytest.raises(BridgeError) as refusal:
        bridge.submit(task).result(30)
    assert refusal.value.code is ErrorCode.INVALID_FIELD
    assert refusal.value.field.startswith(f"task.{field}")
