"""A ControlNet in a single file: its shape is that of the model's UNet, so no description of it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel
from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

from .fit import family_of_pipe, misfit
from .sources import Tensors, read_adapter, unusable_adapter

_HINT = "controlnet_cond_embedding."


def controlnet_from_file(name: str, path: Path, pipe: Any, field: str) -> torch.nn.Module:
    """Read a ControlNet for a model with a UNet, in diffusers' naming of layers or in the original one.

    Raises:
        BridgeError: `model_unusable` for a file that holds no ControlNet, `task_unsupported` for one of another family.
    """
    tensors = read_adapter(name, path).tensors
    title, family = f"The ControlNet {name}", family_of_pipe(pipe)
    if getattr(pipe, "unet", None) is None:
        raise misfit(title, "a Stable Diffusion with a UNet", type(pipe).__name__, family, "it has none", field)
    config = _shape(pipe.unet)
    if not any(key.startswith(_HINT) for key in tensors):
        tensors = _converted(name, tensors, config)
    if f"{_HINT}conv_in.weight" not in tensors or "conv_in.weight" not in tensors:
        raise unusable_adapter(name, "it holds no ControlNet")
    net = ControlNetModel.from_config({**config, **_hint_shape(tensors)})
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        reason = "layers of both differ"
        raise misfit(title, "a UNet of another shape", type(pipe).__name__, family, reason, field) from error
    return net  # type: ignore[no-any-return]  # diffusers is not typed


def _shape(unet: Any) -> dict[str, Any]:
    """The configuration of a ControlNet for this UNet."""
    with torch.device("meta"):
        return dict(ControlNetModel.from_unet(unet, load_weights_from_unet=False).config)


def _converted(name: str, tensors: Tensors, config: dict[str, Any]) -> Tensors:
    try:
        return convert_controlnet_checkpoint(tensors, config)  # type: ignore[no-any-return]  # diffusers is not typed
    except (KeyError, ValueError, IndexError, AttributeError) as error:
        raise unusable_adapter(name, "it holds no ControlNet") from error


def _hint_shape(tensors: Tensors) -> dict[str, Any]:
    """What the file itself tells about its input layers."""
    first = tensors[f"{_HINT}conv_in.weight"]
    channels, block = [int(first.shape[0])], 1
    while (key := f"{_HINT}blocks.{block}.weight") in tensors:
        channels.append(int(tensors[key].shape[0]))
        block += 2
    return {
        "conditioning_embedding_out_channels": tuple(channels),
        "conditioning_channels": int(first.shape[1]),
        "in_channels": int(tensors["conv_in.weight"].shape[1]),
    }
