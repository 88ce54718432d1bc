"""LoRAs, embeddings and controls through a real daemon, put into its folders as a user would."""

from __future__ import annotations

import numpy
import pytest
import torch
from safetensors.torch import save_file

from bridge.client import connect, layer_to_numpy
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Control, LoraUse
from tests.tiny_adapters import build_controlnet, build_ip_adapter, lora_layers, save_kohya
from tests.tiny_models import build_tiny_sd

QUICK = {"seed": 3, "steps": 2, "width": 64, "height": 64}
NOISE = numpy.random.default_rng(5).integers(0, 256, (64, 64), dtype=numpy.uint8)
PICTURE = Picture(64, 64, PixelFormat.GRAY8, NOISE.tobytes())


@pytest.fixture(scope="module")
def bridge(daemon_factory, tmp_path_factory):
    root = tmp_path_factory.mktemp("adapters")
    model = build_tiny_sd(root / "tiny")
    save_kohya(lora_layers(model), root / "loras" / "moss.safetensors")
    (root / "embeddings").mkdir()
    save_file({"emb_params": torch.ones(2, 32)}, root / "embeddings" / "Worn.safetensors")
    build_controlnet(model, root / "controlnets" / "edges")
    build_ip_adapter(model, root / "adapters" / "look")
    running = daemon_factory("--model", str(model), "--models-dir", str(root))
    with connect(running.url, token=running.token, client_name="tests") as bridge:
        yield bridge


@pytest.fixture(scope="module")
def plain(bridge):
    return layer_to_numpy(bridge.generate("stone", **QUICK))


def test_all_are_listed(bridge):
    assert {(each.id, each.type) for each in bridge.adapters} == {
        ("moss", "lora"), ("Worn", "embedding"), ("edges", "controlnet"), ("ip-adapter", "ip-adapter"),
    }  # fmt: skip
    assert not any(each.unusable for each in bridge.adapters)


def test_a_tag_and_a_field_name_the_same_lora(bridge, plain):
    by_tag = layer_to_numpy(bridge.generate("stone<lora:moss:0.5>", **QUICK))
    by_field = layer_to_numpy(bridge.generate("stone", loras=(LoraUse("moss", 0.5),), **QUICK))
    assert numpy.array_equal(by_tag, by_field)
    assert not numpy.array_equal(by_tag, plain)
    assert numpy.array_equal(layer_to_numpy(bridge.generate("stone", **QUICK)), plain)


def test_wildcards_may_choose_the_lora_of_each_image(bridge):
    prompt = "stone{<lora:moss:1>|}"
    layers = bridge.generate(prompt, images=6, batch_size=6, **QUICK)
    named = [bool(layer.recipe["adapters"]) for layer in layers]
    assert set(named) == {True, False}
    for layer, with_lora in zip(layers, named, strict=True):
        alone = bridge.generate("stone<lora:moss:1>" if with_lora else "stone", **{**QUICK, "seed": layer.seed})
        apart = numpy.abs(layer_to_numpy(layer).astype(int) - layer_to_numpy(alone).astype(int)).max()
        assert apart <= 2


def test_an_embedding_is_a_word(bridge, plain):
    assert not numpy.array_equal(layer_to_numpy(bridge.generate("stone <embedding:Worn>", **QUICK)), plain)


@pytest.mark.parametrize("control", [("edges", "canny"), ("ip-adapter", "")])
def test_a_picture_guides(bridge, plain, control):
    adapter, preprocess = control
    guide = Control(image=PICTURE, adapter=adapter, preprocess=preprocess)
    layer = bridge.generate("stone", controls=(guide,), **QUICK)
    assert not numpy.array_equal(layer_to_numpy(layer), plain)
    assert layer.recipe["adapters"][0]["id"] == adapter


def test_an_unknown_one_is_refused_before_it_is_queued(bridge):
    with pytest.raises(BridgeError) as caught:
        bridge.generate("stone <lora:mos:1>", **QUICK)
    assert caught.value.code is ErrorCode.UNKNOWN_ADAPTER
    assert "moss" in caught.value.hint
