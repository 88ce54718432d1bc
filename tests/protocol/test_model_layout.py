"""Which files of a repository are needed: settings, one edition of every part's weights, and never a pickle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.model_layout import editions_of, needed_files

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.30.0",
    "requires_safety_checker": True,
    "feature_extractor": ["transformers", "CLIPImageProcessor"],
    "image_encoder": [None, None],
    "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
}
SETTINGS = (
    "model_index.json", "feature_extractor/preprocessor_config.json", "scheduler/scheduler_config.json",
    "text_encoder/config.json", "tokenizer/merges.txt", "tokenizer/vocab.json", "unet/config.json",
)  # fmt: skip
WEIGHTS = ("text_encoder/model.safetensors", "unet/diffusion_pytorch_model.safetensors")
OTHERS = (
    "README.md", ".gitattributes", "v1-5.safetensors", "v1-5.ckpt", "safety_checker/model.safetensors",
    "safety_checker/config.json", "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_pytorch_model.non_ema.safetensors",
    "unet/diffusion_flax_model.msgpack", "unet/openvino_model.xml", "vae_decoder/model.onnx",
)  # fmt: skip


def test_settings_and_one_edition_of_the_weights_are_taken_and_nothing_else() -> None:
    assert set(needed_files(INDEX, (*SETTINGS, *WEIGHTS, *OTHERS))) == {*SETTINGS, *WEIGHTS}


def test_the_edition_in_half_precision_is_taken_where_there_is_one() -> None:
    half = "unet/diffusion_pytorch_model.fp16.safetensors"
    found = needed_files(INDEX, (*SETTINGS, *WEIGHTS, half))
    assert half in found
    assert WEIGHTS[1] not in found
    assert WEIGHTS[0] in found


@pytest.mark.parametrize(
    ("shards", "listing", "other"),
    [
        (
            [f"diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)],
            "diffusion_pytorch_model.safetensors.index.json",
            "diffusion_pytorch_model.safetensors.index.fp16.json",
        ),
        (
            [f"diffusion_pytorch_model.fp16-0000{n}-of-00002.safetensors" for n in (1, 2)],
            "diffusion_pytorch_model.safetensors.index.fp16.json",
            "diffusion_pytorch_model.safetensors.index.json",
        ),
        (
            [f"diffusion_pytorch_model-0000{n}-of-00002.fp16.safetensors" for n in (1, 2)],
            "diffusion_pytorch_model.fp16.safetensors.index.json",
            "diffusion_pytorch_model.safetensors.index.json",
        ),
    ],
)
def test_shards_come_all_and_with_their_own_list(shards: list[str], listing: str, other: str) -> None:
    names = [*SETTINGS, WEIGHTS[0], *(f"unet/{name}" for name in (*shards, listing, other))]
    found = needed_files(INDEX, names)
    assert {f"unet/{name}" for name in (*shards, listing)} <= set(found)
    assert f"unet/{other}" not in found


def test_an_edition_that_lacks_a_shard_does_not_count() -> None:
    halved = ["model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors"]
    assert editions_of(halved) == {}
    assert set(editions_of([*halved, "model.fp16.safetensors"])) == {"fp16"}


@pytest.mark.parametrize(
    ("weights", "code"),
    [("unet/diffusion_pytorch_model.bin", ErrorCode.UNSAFE_WEIGHTS), ("unet/notes.txt", ErrorCode.MODEL_UNUSABLE)],
)
def test_a_part_without_safetensors_is_refused(weights: str, code: ErrorCode) -> None:
    with pytest.raises(BridgeError) as caught:
        needed_files(INDEX, (*SETTINGS, WEIGHTS[0], weights))
    assert caught.value.code is code
    assert "unet" in caught.value.message


def test_a_part_that_needs_foreign_code_is_refused() -> None:
    with pytest.raises(BridgeError, match="not trusted"):
        needed_files({**INDEX, "unet": ["their_code", "Net"]}, (*SETTINGS, *WEIGHTS))


@given(st.sets(st.sampled_from((*SETTINGS, *WEIGHTS, *OTHERS))))
def test_nothing_is_needed_that_is_not_there_or_not_safe(names: set[str]) -> None:
    try:
        found = needed_files(INDEX, (*names, "model_index.json"))
    except BridgeError:
        return
    assert set(found) <= {*names, "model_index.json"}
    assert not any(name.endswith((".bin", ".ckpt", ".msgpack")) for name in found)
