"""Tiny diffusers models with random weights, made on the spot: real pipelines without a download."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789,.!-"


def tiny_tokenizer(folder: Path) -> CLIPTokenizer:
    """A tokenizer that spells: every character is a token."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = [*ALPHABET, *(f"{letter}</w>" for letter in ALPHABET), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=32)


def _text_config(hidden: int = 32) -> CLIPTextConfig:
    size = 2 * len(ALPHABET) + 2
    return CLIPTextConfig(
        vocab_size=size,
        hidden_size=hidden,
        intermediate_size=hidden,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=32,
        bos_token_id=size - 2,
        eos_token_id=size - 1,
        pad_token_id=size - 1,
        projection_dim=hidden,
    )


def _vae(latent_channels: int = 4, shift: float | None = None) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=latent_channels,
        norm_num_groups=4,
        sample_size=64,
        shift_factor=shift,
        scaling_factor=0.5,
    )


def _unet(channels: int = 4, **more: object) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        sample_size=32,
        in_channels=channels,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=more.pop("cross_attention_dim", 32),
        attention_head_dim=4,
        norm_num_groups=4,
        **more,
    )


def build_tiny_sd(folder: Path, *, seed: int = 0, unet_channels: int = 4) -> Path:
    """A Stable Diffusion 1.x in the small (0.1 M parameters, 2 × down). Nine channels make an inpaint model."""
    torch.manual_seed(seed)
    StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config()),
        tokenizer=tiny_tokenizer(folder / "tokenizer"),
        unet=_unet(unet_channels),
        scheduler=DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder, safe_serialization=True)
    return folder


def build_tiny_sdxl(folder: Path, *, seed: int = 0) -> Path:
    """A Stable Diffusion XL in the small."""
    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer(folder / "tokenizer")
    StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(_text_config()),
        text_encoder_2=CLIPTextModelWithProjection(_text_config()),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=_unet(
            cross_attention_dim=64,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=32 + 6 * 8,
        ),
        scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear"),
    ).save_pretrained(folder, safe_serialization=True)
    return folder


def build_tiny_sd3(folder: Path, *, seed: int = 0) -> Path:
    """A Stable Diffusion 3 (flow matching) in the small, without its T5."""
    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer(folder / "tokenizer")
    StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=32,
            patch_size=1,
            in_channels=4,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=64,
            caption_projection_dim=32,
            pooled_projection_dim=64,
            out_channels=4,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=_vae(shift=0.1),
        text_encoder=CLIPTextModelWithProjection(_text_config()),
        tokenizer=tokenizer,
        text_encoder_2=CLIPTextModelWithProjection(_text_config()),
        tokenizer_2=tokenizer,
        text_encoder_3=None,
        tokenizer_3=None,
    ).save_pretrained(folder, safe_serialization=True)
    _say_absent(folder, "text_encoder_3", "tokenizer_3")
    return folder


def _say_absent(folder: Path, *names: str) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    index.update({name: [None, None] for name in names})
    (folder / "model_index.json").write_text(json.dumps(index))
