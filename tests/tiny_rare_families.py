"""Tiny pipelines of families that are met less often: real classes with random weights, no download."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers.pipelines.kolors import ChatGLMModel, ChatGLMTokenizer
from diffusers.pipelines.kolors.text_encoder import ChatGLMConfig
from transformers import (
    BertConfig,
    BertModel,
    CLIPTextModel,
    DPTConfig,
    DPTForDepthEstimation,
    DPTImageProcessor,
    GemmaConfig,
    GemmaModel,
    GlmConfig,
    GlmModel,
    Qwen3Config,
    Qwen3Model,
)

from tests.tiny_models import _text_config, _unet, _vae, tiny_tokenizer
from tests.tiny_parts import _causal, _deep_vae, _flow, _t5, spelling_sentencepiece, spelling_tokenizer


def _ovis(folder: Path) -> Any:
    transformer = diffusers.OvisImageTransformer2DModel(
        in_channels=16, out_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=32, axes_dims_rope=(4, 4, 8),
    )  # fmt: skip
    return diffusers.OvisImagePipeline(
        scheduler=_flow(), vae=_vae(shift=0.1), transformer=transformer,
        text_encoder=_causal(Qwen3Model, Qwen3Config), tokenizer=spelling_tokenizer(),
    )  # fmt: skip


def _cogview3(folder: Path) -> Any:
    transformer = diffusers.CogView3PlusTransformer2DModel(
        in_channels=4, out_channels=4, num_layers=1, attention_head_dim=4, num_attention_heads=2, text_embed_dim=32,
        time_embed_dim=8, condition_dim=2, pos_embed_max_size=64, sample_size=16,
    )  # fmt: skip
    return diffusers.CogView3PlusPipeline(
        tokenizer=spelling_tokenizer(), text_encoder=_t5(), vae=_vae(), transformer=transformer,
        scheduler=diffusers.CogVideoXDDIMScheduler(),
    )  # fmt: skip


def _cogview4(folder: Path) -> Any:
    transformer = diffusers.CogView4Transformer2DModel(
        in_channels=4, out_channels=4, num_layers=1, attention_head_dim=4, num_attention_heads=2, text_embed_dim=32,
        time_embed_dim=8, condition_dim=4, pos_embed_max_size=64, sample_size=16,
    )  # fmt: skip
    return diffusers.CogView4Pipeline(
        tokenizer=spelling_tokenizer(begins=True), text_encoder=_causal(GlmModel, GlmConfig, pad_token_id=0),
        vae=_vae(), transformer=transformer, scheduler=_flow(),
    )  # fmt: skip


def _lumina(folder: Path) -> Any:
    transformer = diffusers.LuminaNextDiT2DModel(
        sample_size=16, in_channels=4, hidden_size=24, num_layers=1, num_attention_heads=3, num_kv_heads=1,
        multiple_of=16, cross_attention_dim=32,
    )  # fmt: skip
    return diffusers.LuminaPipeline(
        transformer=transformer, scheduler=_flow(), vae=_deep_vae(), text_encoder=_causal(GemmaModel, GemmaConfig),
        tokenizer=spelling_tokenizer(begins=True),
    )  # fmt: skip


def _hunyuan_dit(folder: Path) -> Any:
    transformer = diffusers.HunyuanDiT2DModel(
        sample_size=16, num_layers=2, patch_size=2, attention_head_dim=8, num_attention_heads=2, in_channels=4,
        hidden_size=16, cross_attention_dim=32, cross_attention_dim_t5=32, pooled_projection_dim=16,
        activation_fn="gelu-approximate",
    )  # fmt: skip
    sizes = {"hidden_size": 32, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    return diffusers.HunyuanDiTPipeline(
        vae=_deep_vae(), text_encoder=BertModel(BertConfig(vocab_size=160, **sizes)), tokenizer=spelling_tokenizer(77),
        transformer=transformer, scheduler=diffusers.DDPMScheduler(), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False, text_encoder_2=_t5(), tokenizer_2=spelling_tokenizer(256),
    )  # fmt: skip


def _kandinsky3(folder: Path) -> Any:
    unet = diffusers.Kandinsky3UNet(
        in_channels=4, time_embedding_dim=4, groups=2, attention_head_dim=4, layers_per_block=3,
        block_out_channels=(32, 64), cross_attention_dim=4, encoder_hid_dim=32,
    )  # fmt: skip
    movq = diffusers.VQModel(
        block_out_channels=(32, 64), down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D"), latent_channels=4, norm_num_groups=8,
        num_vq_embeddings=12, vq_embed_dim=4, norm_type="spatial",
    )  # fmt: skip
    return diffusers.Kandinsky3Pipeline(
        tokenizer=spelling_tokenizer(128), text_encoder=_t5(), unet=unet, scheduler=diffusers.DDPMScheduler(),
        movq=movq,
    )  # fmt: skip


def _sd2_depth(folder: Path) -> Any:
    depth = DPTConfig(
        backbone_config={
            "model_type": "bit", "global_padding": "same", "layer_type": "bottleneck", "depths": [1, 1, 1],
            "out_features": ["stage1", "stage2", "stage3"], "embedding_dynamic_padding": True,
            "hidden_sizes": [8, 8, 8, 8], "num_groups": 2, "embedding_size": 8,
        },
        is_hybrid=True, image_size=32, patch_size=16, num_channels=3, hidden_size=32, num_hidden_layers=4,
        backbone_out_indices=(0, 1, 2, 3), num_attention_heads=4, intermediate_size=37,
        backbone_featmap_shape=[1, 8, 4, 4], neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8,
    )  # fmt: skip
    size = {"height": 32, "width": 32}
    return diffusers.StableDiffusionDepth2ImgPipeline(
        vae=_vae(), text_encoder=CLIPTextModel(_text_config()), tokenizer=tiny_tokenizer(folder / "tokenizer"),
        unet=_unet(5), scheduler=diffusers.DDIMScheduler(beta_schedule="scaled_linear"),
        depth_estimator=DPTForDepthEstimation(depth), feature_extractor=DPTImageProcessor(size=size),
    )  # fmt: skip


def _kolors(folder: Path) -> Any:
    text = ChatGLMConfig(
        num_layers=1, padded_vocab_size=160, hidden_size=32, ffn_hidden_size=16, kv_channels=16, num_attention_heads=2,
        seq_length=64, multi_query_attention=True, multi_query_group_num=1, add_qkv_bias=True, original_rope=True,
    )  # fmt: skip
    encoder = ChatGLMModel(text)
    for parameter in encoder.parameters():  # which its class leaves as the memory was
        torch.nn.init.normal_(parameter, std=0.02)
    unet = _unet(
        cross_attention_dim=32, addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=32 + 6 * 8,
    )  # fmt: skip
    vocabulary = spelling_sentencepiece(folder / "tokenizer" / "tokenizer.model")
    return diffusers.KolorsPipeline(
        vae=_vae(), text_encoder=encoder, tokenizer=ChatGLMTokenizer(str(vocabulary)), unet=unet,
        scheduler=diffusers.EulerDiscreteScheduler(beta_schedule="scaled_linear"),
    )  # fmt: skip


RARE: Mapping[str, Callable[[Path], Any]] = {
    "ovis": _ovis,
    "cogview3": _cogview3,
    "cogview4": _cogview4,
    "lumina": _lumina,
    "hunyuan-dit": _hunyuan_dit,
    "kandinsky3": _kandinsky3,
    "sd2-depth": _sd2_depth,
    "kolors": _kolors,
}
"""By name in `bridge.protocol.families`."""
