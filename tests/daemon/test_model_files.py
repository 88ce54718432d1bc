"""Single files are told apart by the names and shapes in their headers, and listed with what they are or lack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.daemon.catalogue import Catalogue
from bridge.daemon.weights_kind import kind_of_weights
from bridge.protocol.weights_header import WeightsHeader
from tests.daemon.test_adapters import LORA_SD, write_weights
from tests.daemon.test_catalogue import make_model

UNET = "model.diffusion_model."
TEXT_IN = f"{UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
PARTS = {"first_stage_model.decoder.conv_in.weight": (1, 1, 1, 1), "cond_stage_model.transformer.x": (1,)}


def sd(width: int, channels: int = 4) -> dict[str, tuple[int, ...]]:
    return {TEXT_IN: (1, width), f"{UNET}input_blocks.0.0.weight": (1, channels, 1, 1), **PARTS}


@pytest.mark.parametrize(
    ("shapes", "kind", "family"),
    [
        (sd(768), "checkpoint", "sd1"),
        (sd(1024), "checkpoint", "sd2"),
        (sd(2048), "checkpoint", "sdxl"),
        (sd(1280), "checkpoint", "sdxl-refiner"),
        ({TEXT_IN: (1, 768)}, "denoiser", "sd1"),
        ({f"{UNET}joint_blocks.0.x_block.mlp.fc1.weight": (1, 1)}, "denoiser", "sd3"),
        ({"double_blocks.0.img_attn.norm.key_norm.scale": (1,), "img_in.weight": (3072, 64)}, "denoiser", "flux"),
        ({"single_stream_modulation.lin.weight": (1, 1), "double_blocks.0.x": (1, 1)}, "denoiser", "flux2"),
        ({"distilled_guidance_layer.in_proj.bias": (1,), "double_blocks.0.x": (1, 1)}, "denoiser", "chroma"),
        ({"noise_refiner.0.x": (1, 1), "cap_embedder.1.weight": (3840, 2560)}, "denoiser", "z-image"),
        ({"noise_refiner.0.x": (1, 1), "cap_embedder.1.weight": (2304, 2304)}, "denoiser", "lumina2"),
        (LORA_SD, "lora", "sd1"),
        ({"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (4, 3072)}, "lora", "flux"),
        ({"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": (4, 3072)}, "lora", "flux"),
        ({"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 1280)}, "lora", "sdxl"),
        ({"a.lokr_w1": (4, 4)}, "lora", ""),
        ({"emb_params": (4, 768)}, "embedding", "sd1"),
        ({"clip_l": (2, 768), "clip_g": (2, 1280)}, "embedding", "sdxl"),
        ({"<moss>": (1024,)}, "embedding", "sd2"),
        ({"controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3)}, "controlnet", ""),
        ({"body.0.resnets.0.block1.weight": (1, 1, 1, 1)}, "t2i-adapter", ""),
        ({"ip_adapter.1.to_k_ip.weight": (320, 2048), "image_proj.proj.weight": (1, 1)}, "ip-adapter", "sdxl"),
        ({"decoder.conv_in.weight": (1, 1, 1, 1), "encoder.conv_in.weight": (1, 1, 1, 1)}, "vae", ""),
        ({"text_model.encoder.layers.0.mlp.fc1.weight": (1, 1)}, "text-encoder", ""),
        ({"something.else": (1, 1, 1)}, "unknown", ""),
    ],
)  # fmt: skip
def test_kind_and_family_follow_from_names_and_shapes(shapes, kind, family) -> None:
    found = kind_of_weights(WeightsHeader(shapes))
    assert (found.kind, found.family) == (kind, family)


def test_a_lora_without_telling_shapes_is_known_by_what_its_trainer_wrote() -> None:
    header = WeightsHeader({"a.lokr_w1": (4, 4)}, {"ss_base_model_version": "sdxl_base_v1-0"})
    assert kind_of_weights(header).family == "sdxl"


def test_nine_channels_make_an_inpainting_checkpoint() -> None:
    assert kind_of_weights(WeightsHeader(sd(768, channels=9))).inpaint
    assert not kind_of_weights(WeightsHeader(sd(768))).inpaint


def test_a_file_takes_what_it_lacks_from_a_folder_of_its_family(tmp_path: Path) -> None:
    make_model(tmp_path / "base", sample_size=64, unet={"cross_attention_dim": 768})
    write_weights(tmp_path / "mine.safetensors", sd(768))
    write_weights(tmp_path / "checkpoints" / "deep" / "lcm-mine.safetensors", sd(768))
    catalogue = Catalogue((), (tmp_path,))
    mine = catalogue.find("mine")
    assert (mine.info.family, mine.info.native_size, mine.info.steps) == ("sd1", 512, 25)
    assert mine.source.base == str(tmp_path / "base")
    assert mine.source.location == str(tmp_path / "mine.safetensors")
    assert catalogue.find("lcm-mine").info.steps == 6


def test_an_inpainting_file_needs_an_inpainting_folder(tmp_path: Path) -> None:
    make_model(tmp_path / "base", unet={"cross_attention_dim": 768})
    write_weights(tmp_path / "nine.safetensors", sd(768, channels=9))
    assert "for inpainting" not in Catalogue((), (tmp_path,)).infos()[0].description
    assert Catalogue((), (tmp_path,)).infos()[1].unusable
    make_model(tmp_path / "base9", unet={"cross_attention_dim": 768, "in_channels": 9, "out_channels": 4})
    assert Catalogue((), (tmp_path,)).find("nine").info.tasks == ("inpaint", "outpaint")


def test_a_file_can_be_named_and_be_the_default(tmp_path: Path) -> None:
    make_model(tmp_path / "models" / "base", unet={"cross_attention_dim": 768})
    file = write_weights(tmp_path / "mine.safetensors", sd(768))
    assert Catalogue((str(file),), (tmp_path / "models",)).find("").info.id == "mine"


def test_what_cannot_be_used_is_listed_with_the_reason(tmp_path: Path) -> None:
    write_weights(tmp_path / "alone.safetensors", sd(2048))
    write_weights(tmp_path / "vae.safetensors", {"decoder.conv_in.weight": (1, 1, 1, 1)})
    write_weights(tmp_path / "odd.safetensors", {"something.else": (1, 1, 1)})
    cut = write_weights(tmp_path / "cut.safetensors", sd(768))
    cut.write_bytes(cut.read_bytes()[:-7])
    (tmp_path / "old.ckpt").write_bytes(b"\x80")
    reasons = {info.id: info.unusable for info in Catalogue((), (tmp_path,)).infos()}
    assert "Stable Diffusion XL" in reasons["alone"]
    assert "diffusers layout" in reasons["alone"]
    assert "it is a vae" in reasons["vae"]
    assert "no known model" in reasons["odd"]
    assert "get it again" in reasons["cut"]
    assert "pickle" in reasons["old"]


def test_an_adapter_among_the_models_is_listed_as_one(tmp_path: Path) -> None:
    write_weights(tmp_path / "moss.safetensors", LORA_SD, ss_tag_frequency=json.dumps({"a": {"mossy": 3}}))
    catalogue = Catalogue((), (tmp_path,))
    assert catalogue.infos() == ()
    (adapter,) = catalogue.adapters()
    assert (adapter.id, adapter.type, adapter.triggers) == ("moss", "lora", ("mossy",))
