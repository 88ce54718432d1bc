"""Tiny adapters with random weights for the tiny models, in the namings that files are found in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import diffusers
import torch
from diffusers import (
    ControlNetModel,
    SD3ControlNetModel,
    SD3Transformer2DModel,
    T2IAdapter,
    UNet2DConditionModel,
)
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPVisionConfig, CLIPVisionModelWithProjection

UNET_LAYERS = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out")
TEXT_LAYERS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


@dataclass(frozen=True)
class LoraLayer:
    """One layer of a LoRA: its part of the pipeline, its module, and W + alpha / rank · up · down."""

    part: str
    module: str
    down: torch.Tensor
    up: torch.Tensor
    alpha: float

    @property
    def change(self) -> torch.Tensor:
        """What weight 1 adds to the module's weight."""
        return (
            self.alpha
            / self.down.shape[0]
            * (self.up.flatten(1) @ self.down.flatten(1)).reshape(self.up.shape[0], *self.down.shape[1:])
        )


def lora_layers(
    model: Path, *, rank: int = 2, seed: int = 0, size: float = 0.3, alphas: bool = True
) -> list[LoraLayer]:
    """A random LoRA for a tiny model's denoiser and text encoders; every second layer has another alpha."""
    generator = torch.Generator().manual_seed(seed)
    layers = []
    for number, (part, name, weight) in enumerate(_weights(model)):
        down = torch.randn(rank, *weight.shape[1:], generator=generator) * size
        up = torch.randn(weight.shape[0], rank, *(1,) * (weight.dim() - 2), generator=generator) * size
        layers.append(LoraLayer(part, name, down, up, rank / (1 + number % 2) if alphas else rank))
    return layers


def save_diffusers(layers: list[LoraLayer], file: Path) -> Path:
    """As `save_lora_weights` writes it. It knows no alphas: give layers without."""
    tensors = {}
    for layer in layers:
        tensors[f"{layer.part}.{layer.module}.lora_A.weight"] = layer.down
        tensors[f"{layer.part}.{layer.module}.lora_B.weight"] = layer.up
    return _save(tensors, file)


def save_kohya(layers: list[LoraLayer], file: Path) -> Path:
    """As kohya's scripts write it: dots become underscores, with an alpha beside each layer."""
    parts = {"unet": "lora_unet", "text_encoder": "lora_te", "text_encoder_2": "lora_te2"}
    if any(layer.part == "text_encoder_2" for layer in layers):
        parts["text_encoder"] = "lora_te1"
    tensors = {}
    for layer in layers:
        name = f"{parts[layer.part]}_{layer.module.replace('.', '_')}"
        tensors[f"{name}.lora_down.weight"] = layer.down
        tensors[f"{name}.lora_up.weight"] = layer.up
        tensors[f"{name}.alpha"] = torch.tensor(layer.alpha)
    return _save(tensors, file)


def merged_model(model: Path, layers: list[tuple[LoraLayer, float]], folder: Path) -> Path:
    """A copy of a model whose own weights have the LoRA layers added, each with its weight."""
    shutil.copytree(model, folder)
    for part in {layer.part for layer, _ in layers}:
        file = next((folder / part).glob("*.safetensors"))
        tensors = load_file(file)
        for layer, weight in layers:
            if layer.part == part:
                key = next(key for key in tensors if _plain(key) == f"{_plain(layer.module)}.weight")
                tensors[key] = tensors[key] + weight * layer.change
        save_file(tensors, file, metadata={"format": "pt"})
    return folder


def _weights(model: Path) -> Iterator[tuple[str, str, torch.Tensor]]:
    parts = {"unet": UNet2DConditionModel, "text_encoder": CLIPTextModel, "text_encoder_2": CLIPTextModelWithProjection}
    for part, kind in parts.items():
        if not (model / part).is_dir():
            continue
        for name, module in kind.from_pretrained(model / part).named_modules():
            if name.endswith(UNET_LAYERS if part == "unet" else TEXT_LAYERS):
                # Files in the wild were written when CLIP still had an inner `text_model`.
                yield part, name if part == "unet" else f"text_model.{_plain(name)}", module.weight


def _plain(name: str) -> str:
    return name.removeprefix("text_model.")


def _save(tensors: dict[str, torch.Tensor], file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, file)
    return file


def build_controlnet(model: Path, folder: Path, *, seed: int = 0, size: float = 0.5) -> Path:
    """A ControlNet for a tiny UNet, as a diffusers folder, with random weights where training begins at zero."""
    torch.manual_seed(seed)
    # The tiny VAE halves sides once, and so must the layers that read the guiding picture.
    net = ControlNetModel.from_unet(
        UNet2DConditionModel.from_pretrained(model / "unet"), conditioning_embedding_out_channels=(8, 16)
    )
    _stir(net, ("controlnet_down_blocks", "controlnet_mid_block", "controlnet_cond_embedding.conv_out"), size)
    net.save_pretrained(folder)
    return folder


def deepen_sd3(model: Path, folder: Path) -> Path:
    """A copy of a tiny Stable Diffusion 3 with a second layer; ControlNets do not reach the last one."""
    shutil.copytree(model, folder)
    torch.manual_seed(0)
    config = SD3Transformer2DModel.load_config(folder / "transformer")
    SD3Transformer2DModel.from_config({**config, "num_layers": 2}).save_pretrained(folder / "transformer")
    return folder


def build_sd3_controlnet(model: Path, folder: Path, *, seed: int = 0) -> Path:
    """A ControlNet for a tiny Stable Diffusion 3."""
    torch.manual_seed(seed)
    transformer = SD3Transformer2DModel.from_pretrained(model / "transformer")
    net = SD3ControlNetModel.from_transformer(
        transformer, num_layers=1, num_extra_conditioning_channels=0, load_weights_from_transformer=False
    )
    _stir(net, ("controlnet_blocks", "pos_embed_input"), 0.5)
    net.save_pretrained(folder)
    return folder


def build_packed_controlnet(model: Path, folder: Path, family: str, *, seed: int = 0, modes: int = 0) -> Path:
    """A ControlNet for a tiny Flux or Qwen-Image; for Flux of several `modes` if asked for."""
    torch.manual_seed(seed)
    name = {"flux": "Flux", "qwen-image": "QwenImage"}[family]
    transformer = getattr(diffusers, f"{name}Transformer2DModel").from_pretrained(model / "transformer")
    config = transformer.config
    heads = {"attention_head_dim": config.attention_head_dim, "num_attention_heads": config.num_attention_heads}
    singles = {"num_single_layers": 1} if family == "flux" else {}
    net = getattr(diffusers, f"{name}ControlNetModel").from_transformer(
        transformer, num_layers=1, load_weights_from_transformer=False, **heads, **singles
    )
    if modes:
        net = type(net).from_config(net.config, num_mode=modes)
    _stir(net, ("controlnet_blocks", "controlnet_single_blocks", "controlnet_x_embedder", "controlnet_mode"), 0.5)
    net.save_pretrained(folder)
    return folder


def _stir(net: torch.nn.Module, names: tuple[str, ...], size: float) -> None:
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.startswith(names):
                parameter.normal_(0, size)


def build_t2i_adapter(folder: Path, *, seed: int = 0) -> Path:
    """A T2I-Adapter for the tiny UNets."""
    torch.manual_seed(seed)
    kind = {"adapter_type": "full_adapter_xl", "downscale_factor": 4}  # The tiny UNets begin as the one of XL does.
    T2IAdapter(channels=[8, 16], num_res_blocks=1, **kind).save_pretrained(folder)
    return folder


def build_ip_adapter(model: Path, folder: Path, *, seed: int = 0) -> Path:
    """An IP-Adapter for a tiny UNet: a file, with its image encoder in a folder beside it."""
    torch.manual_seed(seed)
    look = CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=32, patch_size=8,
        projection_dim=24,
    )  # fmt: skip
    CLIPVisionModelWithProjection(look).save_pretrained(folder / "image_encoder")
    unet = UNet2DConditionModel.from_pretrained(model / "unet")
    width = unet.config.cross_attention_dim
    tensors = {
        "image_proj.proj.weight": torch.randn(4 * width, 24),
        "image_proj.proj.bias": torch.zeros(4 * width),
        "image_proj.norm.weight": torch.ones(width),
        "image_proj.norm.bias": torch.zeros(width),
    }
    crossing = [name.removesuffix(".processor") for name in unet.attn_processors if name.endswith("attn2.processor")]
    for number, name in enumerate(crossing):
        inner = unet.get_submodule(name).to_k.weight.shape[0]
        for side in ("to_k_ip", "to_v_ip"):
            tensors[f"ip_adapter.{2 * number + 1}.{side}.weight"] = torch.randn(inner, width)
    return _save(tensors, folder / "ip-adapter.safetensors")
