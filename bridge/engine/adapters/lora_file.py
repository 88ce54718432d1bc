"""LoRA files of any naming, brought to one: `{module}.lora_A.weight` and `.lora_B.weight` for each part of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from diffusers.utils.state_dict_utils import (
    DIFFUSERS_OLD_TO_PEFT,
    DIFFUSERS_TO_PEFT,
    convert_state_dict,
    convert_unet_state_dict_to_peft,
)

from bridge.protocol.errors import BridgeError, ErrorCode

from .sources import AdapterFile, Tensors, unusable_adapter

OTHER_KINDS = {
    "hada_": "LoHa",
    "lokr_": "LoKr",
    "dora_scale": "DoRA",
    "lora_magnitude_vector": "DoRA",
    "lora_mid": "LoCon with a middle matrix",
    "oft_": "OFT",
    "diff_b": "a full difference",
}
"""Parts of tensor names that tell relatives of LoRA, which would be drawn wrong if they were taken for one."""

_UPS = (".lora_up.weight", ".lora_B.weight", ".lora.up.weight", ".lora_linear_layer.up.weight", "_lora.up.weight")
_TEXT = {**DIFFUSERS_OLD_TO_PEFT, **DIFFUSERS_TO_PEFT}


def lora_parts(name: str, file: AdapterFile, pipe: Any) -> dict[str, Tensors]:
    """The matrices of a LoRA by part of the pipeline ("unet", "text_encoder"…), scaled so that weight 1 is theirs.

    Knows what diffusers knows: its own namings, kohya's, and those of other trainers. Alphas are multiplied into the
    upper matrices here, because the libraries lose some of them on the way.

    Raises:
        BridgeError: `task_unsupported` for relatives of LoRA and pipelines without, `model_unusable` for anything else.
    """
    _check_kind(name, file.tensors)
    if not hasattr(pipe, "lora_state_dict"):
        raise BridgeError(ErrorCode.TASK_UNSUPPORTED, f"{type(pipe).__name__} takes no LoRAs.", field="task.loras")
    more = {"unet_config": pipe.unet.config} if hasattr(pipe, "unet") else {}
    try:
        converted = pipe.lora_state_dict(_with_alphas(file.tensors), **more)
    except (ValueError, KeyError, IndexError, RuntimeError, AttributeError) as error:
        raise unusable_adapter(name, f"its naming of layers is not known ({str(error).strip()[:200]})") from error
    tensors: Tensors = converted[0] if isinstance(converted, tuple) else converted
    parts = _split(tensors, pipe)
    return {part: _scaled(part, matrices, file.metadata) for part, matrices in parts.items()}


def _check_kind(name: str, tensors: Mapping[str, Any]) -> None:
    for mark, kind in OTHER_KINDS.items():
        if any(mark in key for key in tensors):
            raise BridgeError(
                ErrorCode.TASK_UNSUPPORTED,
                f"{name} is {kind}, a relative of LoRA that is not supported.",
                hint="Get it as a plain LoRA.",
                field="task.loras",
            )
    if not any("lora" in key for key in tensors):
        raise unusable_adapter(name, "it holds no LoRA")


def _with_alphas(tensors: Tensors) -> Tensors:
    """Without the alphas, the upper matrices multiplied by alpha over rank."""
    scaled = {key: tensor for key, tensor in tensors.items() if not key.endswith(".alpha")}
    for key, alpha in tensors.items():
        if not key.endswith(".alpha"):
            continue
        base = key.removesuffix(".alpha")
        for up in _UPS:
            if base + up in scaled:
                matrix = scaled[base + up].float()
                scaled[base + up] = matrix * (float(alpha) / matrix.shape[1])
    return scaled


def _split(tensors: Tensors, pipe: Any) -> dict[str, Tensors]:
    loadable = [name for name in pipe._lora_loadable_modules if getattr(pipe, name, None) is not None]
    parts: dict[str, Tensors] = {}
    for name in loadable:
        own = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
        if own:
            convert = name.startswith("text_encoder")
            parts[name] = convert_state_dict(own, _TEXT) if convert else convert_unet_state_dict_to_peft(own)
    if not parts and loadable and not any(key.split(".")[0] in ("unet", "transformer") for key in tensors):
        # The oldest files name the layers of the denoiser without saying so.
        parts[loadable[0]] = convert_unet_state_dict_to_peft(tensors)
    return parts


def _scaled(part: str, matrices: Tensors, metadata: Mapping[str, str]) -> Tensors:
    """With alphas from the header applied, which is where diffusers and peft keep them."""
    try:
        said = json.loads(metadata.get("lora_adapter_metadata", "{}"))
    except ValueError:
        said = {}
    own = {key.removeprefix(f"{part}."): value for key, value in said.items() if key.startswith(f"{part}.")}
    if not own.get("lora_alpha") or not own.get("r"):
        return matrices
    alphas, ranks = own.get("alpha_pattern") or {}, own.get("rank_pattern") or {}
    scaled = dict(matrices)
    for key, matrix in matrices.items():
        if key.endswith(".lora_B.weight"):
            module = key.removesuffix(".lora_B.weight")
            alpha, rank = alphas.get(module, own["lora_alpha"]), ranks.get(module, own["r"])
            scaled[key] = matrix.float() * (alpha / (rank**0.5 if own.get("use_rslora") else rank))
    return scaled
