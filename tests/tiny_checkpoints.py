"""Checkpoints in single files, in the key layout of the original Stable Diffusion code, from tiny diffusers folders."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from tests.tiny_models import _text_config, _unet, _vae, tiny_tokenizer

Tensors = dict[str, torch.Tensor]
WIDTH = 768
"""Width of the text of Stable Diffusion 1, by which files are told apart."""

_RESNET = (
    ("norm1", "in_layers.0"), ("conv1", "in_layers.2"), ("time_emb_proj", "emb_layers.1"), ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"), ("conv_shortcut", "skip_connection"),
)  # fmt: skip
_UNET_ENDS = (
    ("conv_in.", "input_blocks.0.0."), ("time_embedding.linear_1.", "time_embed.0."),
    ("time_embedding.linear_2.", "time_embed.2."), ("conv_norm_out.", "out.0."), ("conv_out.", "out.2."),
)  # fmt: skip


def build_wide_sd(folder: Path, *, seed: int = 0, unet_channels: int = 4) -> Path:
    """A tiny diffusers folder whose text is as wide as that of Stable Diffusion 1."""
    torch.manual_seed(seed)
    text = CLIPTextConfig(**{**_text_config(WIDTH).to_dict(), "num_hidden_layers": 1, "intermediate_size": 8})
    StableDiffusionPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(text),
        tokenizer=tiny_tokenizer(folder / "tokenizer"),
        unet=_unet(unet_channels, cross_attention_dim=WIDTH),
        scheduler=DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder, safe_serialization=True)
    return folder


def save_as_checkpoint(folder: Path, file: Path, *, text: bool = True) -> Path:
    """Write a tiny Stable Diffusion 1 folder as one file, as the original code would have."""
    unet = UNet2DConditionModel.from_pretrained(folder / "unet")
    vae = AutoencoderKL.from_pretrained(folder / "vae")
    layers = int(unet.config.layers_per_block)
    state: Tensors = {
        f"model.diffusion_model.{_unet_name(name, layers)}": tensor for name, tensor in unet.state_dict().items()
    }
    blocks = len(vae.config.block_out_channels)
    state |= {f"first_stage_model.{_vae_name(n, blocks)}": _vae_tensor(n, t) for n, t in vae.state_dict().items()}
    if text:
        encoder = CLIPTextModel.from_pretrained(folder / "text_encoder")
        state |= {
            f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}": tensor
            for name, tensor in encoder.state_dict().items()
        }
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, file)
    return file


def _unet_name(name: str, layers: int) -> str:
    for new, old in _UNET_ENDS:
        if name.startswith(new):
            return old + name.removeprefix(new)
    if found := re.match(r"down_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.+)", name):
        place = 1 + int(found[1]) * (layers + 1) + int(found[3])
        return f"input_blocks.{place}.{int(found[2] == 'attentions')}.{_inside(found[2], found[4])}"
    if found := re.match(r"down_blocks\.(\d+)\.downsamplers\.0\.conv\.(.+)", name):
        return f"input_blocks.{1 + int(found[1]) * (layers + 1) + layers}.0.op.{found[2]}"
    if found := re.match(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)", name):
        place = 1 if found[1] == "attentions" else 2 * int(found[2])
        return f"middle_block.{place}.{_inside(found[1], found[3])}"
    if found := re.match(r"up_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.+)", name):
        place = int(found[1]) * (layers + 1) + int(found[3])
        return f"output_blocks.{place}.{int(found[2] == 'attentions')}.{_inside(found[2], found[4])}"
    found = re.match(r"up_blocks\.(\d+)\.upsamplers\.0\.conv\.(.+)", name)
    assert found is not None, name
    # After the attention, which the first block of a tiny network has.
    return f"output_blocks.{int(found[1]) * (layers + 1) + layers}.2.conv.{found[2]}"


def _inside(kind: str, name: str) -> str:
    if kind == "resnets":
        for new, old in _RESNET:
            if name.startswith(new):
                return old + name.removeprefix(new)
    return name


def _vae_name(name: str, blocks: int) -> str:
    name = name.replace("conv_norm_out", "norm_out").replace("mid_block.attentions.0", "mid.attn_1")
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda found: f"mid.block_{int(found[1]) + 1}", name)
    name = re.sub(r"down_blocks\.(\d+)\.resnets\.(\d+)", r"down.\1.block.\2", name)
    name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", name)
    for what, old in (("resnets", "block"), ("upsamplers", "upsample")):
        name = re.sub(
            rf"up_blocks\.(\d+)\.{what}\.(\d+)",
            lambda found, old=old: (
                f"up.{blocks - 1 - int(found[1])}.{old}" + (f".{found[2]}" if old == "block" else "")
            ),
            name,
        )
    for new, old in (("to_q.", "q."), ("to_k.", "k."), ("to_v.", "v."), ("to_out.0.", "proj_out.")):
        name = name.replace(new, old)
    return name.replace("group_norm.", "norm.").replace("conv_shortcut", "nin_shortcut")


def _vae_tensor(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """The original's attention is made of convolutions."""
    return tensor[:, :, None, None] if "attentions" in name and tensor.ndim == 2 else tensor
