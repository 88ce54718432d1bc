"""IP-Adapters: the UNet attends to a picture as it does to the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

from bridge.engine.conversion import read_rgb
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import Control

from .fit import family_of_pipe, family_of_width, misfit
from .sources import Tensors, read_adapter, unusable_adapter
from .steps import Arguments, at_every_step, is_acting

ENCODER_FOLDERS = ("image_encoder", "../image_encoder", "../models/image_encoder", "../sdxl_models/image_encoder")
"""Where the encoder lies as seen from the file, in the layouts in which IP-Adapters are handed out."""


class ReferenceNet(torch.nn.Module):
    """An IP-Adapter: the encoder that looks at the picture, and what is to be put into a UNet.

    Attributes:
        weights: the two parts of the file, by the names that diffusers gives them.
    """

    def __init__(self, image_encoder: Any, weights: dict[str, Tensors]) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.weights = weights
        size = image_encoder.config.image_size
        self.processor = CLIPImageProcessor(size={"shortest_edge": size}, crop_size={"height": size, "width": size})


def read_reference(source: AdapterSource, path: Path, pipe: Any, field: str) -> ReferenceNet:
    """Read an IP-Adapter with its image encoder.

    Raises:
        BridgeError: `model_unusable` when a part of it is missing, `task_unsupported` when it does not fit the model.
    """
    tensors = read_adapter(source.id, path).tensors
    weights: dict[str, Tensors] = {
        part: {key.removeprefix(f"{part}."): value for key, value in tensors.items() if key.startswith(f"{part}.")}
        for part in ("image_proj", "ip_adapter")
    }
    if not all(weights.values()):
        raise unusable_adapter(source.id, "it holds no IP-Adapter")
    if any("lora" in key for key in weights["ip_adapter"]):
        raise BridgeError(
            ErrorCode.TASK_UNSUPPORTED,
            f"{source.id} follows faces, for which there is no recogniser here.",
            hint="Take an IP-Adapter that looks at whole pictures.",
            field=field,
        )
    _check_fit(source, weights["ip_adapter"], pipe, field)
    return ReferenceNet(_encoder(source, path.parent), weights)


@contextmanager
def referenced(pipe: Any, references: Sequence[tuple[Control, ReferenceNet]]) -> Iterator[list[Image.Image]]:
    """Put IP-Adapters into the pipeline's UNet while the context lasts. Yields the pictures that the pipeline takes."""
    unet = pipe.unet
    processors, projection = dict(unet.attn_processors), unet.encoder_hid_proj
    kind, encoder, extractor = unet.config.encoder_hid_dim_type, pipe.image_encoder, pipe.feature_extractor
    nets = [net for _, net in references]
    if len({net.image_encoder.config.hidden_size for net in nets}) > 1:
        raise BridgeError(
            ErrorCode.TASK_UNSUPPORTED,
            "These IP-Adapters look at pictures with different encoders, which do not work together.",
            hint="Take ones of the same kind.",
            field="task.controls",
        )

    def act(step: int, steps: int, latents: torch.Tensor, arguments: Arguments) -> None:
        scales = [c.strength if is_acting(step, steps, c.start, c.end) else 0.0 for c, _ in references]
        pipe.set_ip_adapter_scale(scales)

    try:
        pipe.register_modules(image_encoder=nets[0].image_encoder, feature_extractor=nets[0].processor)
        many = len(nets)
        pipe.load_ip_adapter(
            [net.weights for net in nets], subfolder=[""] * many, weight_name=[""] * many, image_encoder_folder=None
        )
        with at_every_step(pipe, act):
            yield [_seen(control) for control, _ in references]
    finally:
        unet.set_attn_processor(processors)
        unet.encoder_hid_proj = projection
        unet.config.encoder_hid_dim_type = kind
        pipe.register_modules(image_encoder=encoder, feature_extractor=extractor)


def _seen(control: Control) -> Image.Image:
    """The picture as a whole, transparent parts white, as on the paper that encoders know."""
    rgb, alpha = read_rgb(control.image)
    if alpha is not None:
        rgb = 1 - (1 - rgb) * alpha[..., None]
    return Image.fromarray(np.rint(rgb * 255).astype(np.uint8))


def _encoder(source: AdapterSource, folder: Path) -> Any:
    for place in ENCODER_FOLDERS:
        path = folder / place
        if (path / "config.json").is_file():
            try:
                return CLIPVisionModelWithProjection.from_pretrained(path, use_safetensors=True, local_files_only=True)
            except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
                raise unusable_adapter(source.id, f"its image encoder cannot be loaded ({error})") from error
    raise unusable_adapter(source.id, f"there is no folder image_encoder beside it in {folder}")


def _check_fit(source: AdapterSource, layers: Tensors, pipe: Any, field: str) -> None:
    title, family = f"The IP-Adapter {source.id}", family_of_pipe(pipe)
    width = next((int(value.shape[1]) for key, value in layers.items() if key.endswith("to_k_ip.weight")), 0)
    unet = getattr(pipe, "unet", None)
    if unet is None or not hasattr(pipe, "load_ip_adapter"):
        raise misfit(title, family_of_width(width), type(pipe).__name__, family, "it has no UNet", field)
    if width != unet.config.cross_attention_dim:
        reason = "text features of another width"
        raise misfit(title, family_of_width(width), type(pipe).__name__, family, reason, field)
    crossing = sum(name.endswith("attn2.processor") for name in unet.attn_processors)
    if sum(key.endswith("to_k_ip.weight") for key in layers) != crossing:
        raise misfit(title, "a larger or smaller UNet", type(pipe).__name__, family, "other blocks", field)
