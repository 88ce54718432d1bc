"""Whether an adapter fits a model, and what to call both when it does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from bridge.protocol.errors import BridgeError, ErrorCode

from .sources import Tensors

_BY_TEXT_WIDTH = {768: "Stable Diffusion 1", 1024: "Stable Diffusion 2", 2048: "Stable Diffusion XL"}
_BY_MARK = {
    "single_transformer_blocks": "Flux",
    "double_blocks": "Flux",
    "joint_blocks": "Stable Diffusion 3",
    "lora_te2_": "Stable Diffusion XL",
    "text_encoder_2.": "Stable Diffusion XL",
    "transformer_blocks": "a transformer",
}
_TEXT_INPUTS = ("attn2.to_k", "attn2_to_k", "attn2.processor.to_k_lora")
_DOWNS = ("lora_A.weight", "lora_down.weight", "lora.down.weight", "to_k_lora.down.weight")


def family_of_tensors(tensors: Mapping[str, torch.Tensor]) -> str:
    """Which family of models a LoRA was made for, as far as its tensors tell."""
    for key, tensor in tensors.items():
        if any(mark in key for mark in _TEXT_INPUTS) and key.endswith(_DOWNS):
            return family_of_width(int(tensor.shape[1]))
    for mark, family in _BY_MARK.items():
        if any(mark in key for key in tensors):
            return family
    return "another kind of model"


def family_of_pipe(pipe: Any) -> str:
    """Which family a model belongs to."""
    unet = getattr(pipe, "unet", None)
    width = getattr(getattr(unet, "config", None), "cross_attention_dim", None)
    return family_of_width(width) if isinstance(width, int) else type(pipe).__name__.removesuffix("Pipeline")


def misfit(name: str, made_for: str, model: str, family: str, reason: str, field: str) -> BridgeError:
    """The error for an adapter and a model that do not go together."""
    return BridgeError(
        ErrorCode.TASK_UNSUPPORTED,
        f"{name} was made for {made_for}; the model {model} is {family}: {reason}.",
        hint="Take a model of the family that it was made for, or leave it out.",
        field=field,
    )


def fitting(part: torch.nn.Module, matrices: Tensors) -> tuple[Tensors, str]:
    """The matrices under the names of the part's own modules, and what does not fit (empty when all does).

    CLIP's text encoder lost an inner `text_model` in transformers 5, so names are tried with and without.
    """
    modules = dict(part.named_modules())
    renamed: Tensors = {}
    for key, matrix in matrices.items():
        path, _, side = key.rpartition(".lora_")
        found = next((p for p in _spellings(path) if p in modules), None)
        if found is None:
            return {}, f"it has no {path}"
        layer: Any = getattr(modules[found], "base_layer", modules[found])
        wanted, given = _width(layer, side), int(matrix.shape[1 if side.startswith("A") else 0])
        if wanted != given:
            return {}, f"{path} is {wanted} wide, not {given}"
        renamed[f"{found}.lora_{side}"] = matrix
    return renamed, ""


def _spellings(path: str) -> Iterable[str]:
    return path, path.removeprefix("text_model."), f"text_model.{path}"


def _width(module: torch.nn.Module, side: str) -> int | None:
    """What goes into a layer (for lora_A), or comes out of it; None for one that takes no LoRA."""
    names = ("in_features", "in_channels") if side.startswith("A") else ("out_features", "out_channels")
    return next((int(getattr(module, name)) for name in names if hasattr(module, name)), None)


def family_of_width(width: int) -> str:
    """Which family has text features this wide."""
    return _BY_TEXT_WIDTH.get(width, f"a family whose text features are {width} wide")
