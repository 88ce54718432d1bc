"""Tiny pipelines with random weights for families beyond Stable Diffusion 1, XL and 3: real classes, no download."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
from transformers import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
    Gemma2Config,
    Gemma2Model,
    Qwen3Config,
    Qwen3ForCausalLM,
    Qwen3Model,
    UMT5Config,
    UMT5EncoderModel,
)

from tests.tiny_models import _text_config, _unet, _vae, tiny_tokenizer
from tests.tiny_parts import _causal, _deep_vae, _flow, _qwen_vae, _qwen_vl, _t5, spelling_tokenizer
from tests.tiny_rare_families import RARE


def _flux_parts(folder: Path, cls: Any, **more: Any) -> dict[str, Any]:
    transformer = cls(
        patch_size=1, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, axes_dims_rope=(4, 4, 8), **more,
    )  # fmt: skip
    return {"scheduler": _flow(), "vae": _vae(shift=0.1), "transformer": transformer}


def _flux_texts(folder: Path) -> dict[str, Any]:
    return {
        "text_encoder": CLIPTextModel(_text_config()),
        "tokenizer": tiny_tokenizer(folder / "tokenizer"),
        "text_encoder_2": _t5(),
        "tokenizer_2": spelling_tokenizer(),
    }


def _flux(folder: Path, name: str = "FluxPipeline", channels: int = 16, **more: Any) -> Any:
    cls = diffusers.FluxTransformer2DModel
    sizes = {"in_channels": channels, "out_channels": 16, "pooled_projection_dim": 32, "guidance_embeds": True}
    return getattr(diffusers, name)(**_flux_parts(folder, cls, **sizes), **_flux_texts(folder), **more)


def _flux_fill(folder: Path) -> Any:
    # Noisy latents, masked latents, and a mask of 2 × 2 px for each pixel of 2 × 2 latents.
    return _flux(folder, "FluxFillPipeline", 16 + 16 + 16)


def _flux_kontext(folder: Path) -> Any:
    return _flux(folder, "FluxKontextPipeline")


def _chroma(folder: Path) -> Any:
    cls = diffusers.ChromaTransformer2DModel
    parts = _flux_parts(
        folder, cls, in_channels=16, approximator_num_channels=8, approximator_hidden_dim=16, approximator_layers=1
    )
    return diffusers.ChromaPipeline(**parts, text_encoder=_t5(), tokenizer=spelling_tokenizer())


def _flux2_klein(folder: Path) -> Any:
    transformer = diffusers.Flux2Transformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=96, timestep_guidance_channels=16, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False,
    )  # fmt: skip
    vae = diffusers.AutoencoderKLFlux2(
        block_out_channels=(8, 16), down_block_types=("DownEncoderBlock2D",) * 2, layers_per_block=1,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4, norm_num_groups=4, sample_size=64,
    )  # fmt: skip
    # Text of three of its layers goes in side by side; a tiny one has to have as many as are asked for.
    text = _causal_layers(28)
    return diffusers.Flux2KleinPipeline(
        scheduler=_flow(), vae=vae, transformer=transformer, text_encoder=text, tokenizer=spelling_tokenizer()
    )


def _causal_layers(layers: int) -> Any:
    sizes = {"hidden_size": 32, "intermediate_size": 8, "num_hidden_layers": layers, "num_attention_heads": 2}
    return Qwen3ForCausalLM(Qwen3Config(vocab_size=160, num_key_value_heads=1, head_dim=8, **sizes))


def _qwen_image(folder: Path) -> Any:
    transformer = diffusers.QwenImageTransformer2DModel(
        in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=16, axes_dims_rope=(4, 4, 8),
    )  # fmt: skip
    return diffusers.QwenImagePipeline(
        scheduler=_flow(),
        vae=_qwen_vae(),
        transformer=transformer,
        text_encoder=_qwen_vl(),
        tokenizer=spelling_tokenizer(),
    )


def _z_image(folder: Path) -> Any:
    transformer = diffusers.ZImageTransformer2DModel(
        in_channels=4, dim=32, n_layers=1, n_refiner_layers=1, n_heads=2, n_kv_heads=2, cap_feat_dim=32,
        axes_dims=[4, 4, 8], axes_lens=[512, 64, 64],
    )  # fmt: skip
    return diffusers.ZImagePipeline(
        scheduler=_flow(), vae=_vae(shift=0.1), transformer=transformer,
        text_encoder=_causal(Qwen3Model, Qwen3Config), tokenizer=spelling_tokenizer(),
    )  # fmt: skip


def _sana(folder: Path) -> Any:
    vae = diffusers.AutoencoderDC(
        latent_channels=4, attention_head_dim=2, encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"), encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8), encoder_qkv_multiscales=((), (5,)), decoder_qkv_multiscales=((), (5,)),
        encoder_layers_per_block=(1, 1), decoder_layers_per_block=(1, 1), downsample_block_type="conv",
        upsample_block_type="interpolate", decoder_norm_types="rms_norm", decoder_act_fns="silu", scaling_factor=0.5,
    )  # fmt: skip
    transformer = diffusers.SanaTransformer2DModel(
        in_channels=4, out_channels=4, num_layers=1, num_attention_heads=2, attention_head_dim=4,
        num_cross_attention_heads=2, cross_attention_head_dim=4, cross_attention_dim=8, caption_channels=32,
        sample_size=32, patch_size=1,
    )  # fmt: skip
    return diffusers.SanaPipeline(
        scheduler=diffusers.DPMSolverMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True),
        vae=vae, transformer=transformer, text_encoder=_causal(Gemma2Model, Gemma2Config),
        tokenizer=spelling_tokenizer(),
    )  # fmt: skip


def _pixart(folder: Path) -> Any:
    transformer = diffusers.PixArtTransformer2DModel(
        num_attention_heads=2, attention_head_dim=8, num_layers=1, cross_attention_dim=16, sample_size=32,
        caption_channels=32, use_additional_conditions=False,
    )  # fmt: skip
    return diffusers.PixArtSigmaPipeline(
        scheduler=diffusers.DPMSolverMultistepScheduler(), vae=_vae(), transformer=transformer, text_encoder=_t5(),
        tokenizer=spelling_tokenizer(),
    )  # fmt: skip


def _lumina2(folder: Path) -> Any:
    transformer = diffusers.Lumina2Transformer2DModel(
        sample_size=16, in_channels=4, hidden_size=24, num_layers=1, num_refiner_layers=1, num_attention_heads=2,
        num_kv_heads=1, multiple_of=8, axes_dim_rope=(4, 4, 4), axes_lens=(300, 64, 64), cap_feat_dim=32,
    )  # fmt: skip
    return diffusers.Lumina2Pipeline(
        scheduler=_flow(), vae=_deep_vae(), transformer=transformer,
        text_encoder=_causal(Gemma2Model, Gemma2Config), tokenizer=spelling_tokenizer(),
    )  # fmt: skip


def _auraflow(folder: Path) -> Any:
    transformer = diffusers.AuraFlowTransformer2DModel(
        sample_size=32, num_mmdit_layers=1, num_single_dit_layers=1, attention_head_dim=8, num_attention_heads=4,
        joint_attention_dim=32, caption_projection_dim=32, pos_embed_max_size=4096,
    )  # fmt: skip
    return diffusers.AuraFlowPipeline(
        scheduler=_flow(), vae=_vae(), transformer=transformer, text_encoder=_t5(UMT5EncoderModel, UMT5Config),
        tokenizer=spelling_tokenizer(),
    )  # fmt: skip


def _refiner(folder: Path) -> Any:
    # The width of its text is what tells a refiner; nothing else of it is that wide.
    text = _text_config(1280)
    text.update({"num_hidden_layers": 1, "intermediate_size": 8, "projection_dim": 32})
    unet = _unet(
        cross_attention_dim=1280, addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=32 + 5 * 8,
    )  # fmt: skip
    return diffusers.StableDiffusionXLImg2ImgPipeline(
        vae=_vae(), text_encoder=None, tokenizer=None, text_encoder_2=CLIPTextModelWithProjection(text),
        tokenizer_2=tiny_tokenizer(folder / "tokenizer_2"), unet=unet, requires_aesthetics_score=True,
        scheduler=diffusers.EulerDiscreteScheduler(beta_schedule="scaled_linear"),
    )  # fmt: skip


def _lcm(folder: Path) -> Any:
    return diffusers.LatentConsistencyModelPipeline(
        vae=_vae(), text_encoder=CLIPTextModel(_text_config()), tokenizer=tiny_tokenizer(folder / "tokenizer"),
        unet=_unet(time_cond_proj_dim=8), scheduler=diffusers.LCMScheduler(), safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


BUILDERS: Mapping[str, Callable[[Path], Any]] = {
    "flux": _flux,
    "flux-fill": _flux_fill,
    "flux-kontext": _flux_kontext,
    "flux2-klein": _flux2_klein,
    "qwen-image": _qwen_image,
    "z-image": _z_image,
    "chroma": _chroma,
    "sana": _sana,
    "pixart": _pixart,
    "lumina2": _lumina2,
    "auraflow": _auraflow,
    "sdxl-refiner": _refiner,
    "lcm": _lcm,
    **RARE,
}
"""Every family that can be made here, by its name in `bridge.protocol.families`."""


def build_tiny(family: str, folder: Path, *, seed: int = 0) -> Path:
    """A tiny model of a family in the diffusers layout."""
    torch.manual_seed(seed)
    BUILDERS[family](folder).save_pretrained(folder, safe_serialization=True)
    return folder
