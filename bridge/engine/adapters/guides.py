"""ControlNets and their like in memory, beside the model that they guide."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import diffusers
import torch
from safetensors import SafetensorError

from bridge.engine.denoiser import denoiser_of
from bridge.engine.models.fingerprint import Fingerprints
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import BridgeError, ErrorCode

from .controlnet_file import controlnet_from_file
from .estimates import NETWORKS
from .fit import family_of_pipe, family_of_width, misfit
from .ip_adapter import read_reference
from .sources import FileKey, key_of, unusable_adapter, weights_file

if TYPE_CHECKING:
    from bridge.engine.models.loading import LoadedModel

MOST_KEPT = 3
"""Guides that stay beside a model; the ones used longest ago leave first. A job may use more."""

CLASSES: Mapping[str, str] = {
    "ControlNetModel": "controlnet",
    "SD3ControlNetModel": "controlnet",
    "FluxControlNetModel": "controlnet",
    "QwenImageControlNetModel": "controlnet",
    "T2IAdapter": "t2i-adapter",
}
"""Classes of diffusers that a guide's config.json may name, and the type of adapter that each is."""

_TRANSFORMERS = {
    "SD3ControlNetModel": "StableDiffusion3",
    "FluxControlNetModel": "Flux",
    "QwenImageControlNetModel": "QwenImage",
}
"""What the names of the pipelines begin with that a ControlNet for a transformer guides."""


@dataclass(frozen=True)
class Guide:
    """A loaded ControlNet, T2I-Adapter or IP-Adapter.

    Attributes:
        net: the network, on the model's device in the model's precision; a `ReferenceNet` for an IP-Adapter.
        fingerprint: its content hash, ready when the background has computed it.
        bytes: of its weights.
    """

    net: Any
    fingerprint: Future[str]
    bytes: int


class GuideRack:
    """The guides that are kept beside one model."""

    def __init__(self) -> None:
        self._held: OrderedDict[FileKey, Guide] = OrderedDict()
        self._fingerprints = Fingerprints()

    def get(self, model: LoadedModel, source: AdapterSource, field: str) -> Guide:
        """The guide, loaded now if need be.

        Raises:
            BridgeError: it cannot be read, or was made for another family of models.
        """
        folder, files = _files_of(source)
        key = key_of(files[0])
        if key not in self._held:
            guide = self._load(model, source, folder, files, field)
            self._held[key] = guide
            model.bytes += guide.bytes
        self._held.move_to_end(key)
        return self._held[key]

    def forget_old(self, model: LoadedModel, used: int) -> None:
        """Let go of what was used longest ago, but of none of the `used` ones of the job at hand."""
        while len(self._held) > max(MOST_KEPT, used):
            model.bytes -= self._held.popitem(last=False)[1].bytes

    def clear(self, model: LoadedModel) -> None:
        """Let go of all."""
        model.bytes -= sum(guide.bytes for guide in self._held.values())
        self._held.clear()

    def _load(self, model: LoadedModel, source: AdapterSource, folder: Path, files: list[Path], field: str) -> Guide:
        net: Any
        if source.type == "ip-adapter":
            net = read_reference(source, files[0], model.base, field)
        elif source.type in NETWORKS:
            net = NETWORKS[source.type](source, folder)
        elif (folder / "config.json").is_file():
            net = _from_folder(source, folder, files)
        elif source.type == "controlnet":
            net = controlnet_from_file(source.id, files[0], model.base, field)
        else:
            raise unusable_adapter(source.id, "it is a single file without the config.json of a diffusers folder")
        if source.type in ("controlnet", "t2i-adapter"):
            _check_fit(source, net, model, field)
        if source.type == "controlnet" and getattr(net.config, "use_pos_embed", True) is False:
            # Those for Stable Diffusion 3.5 Large place patches as the transformer itself does.
            net.pos_embed = net._get_pos_embed_from_transformer(model.base.transformer)
        denoiser = denoiser_of(model.base)
        if denoiser is None:
            raise BridgeError(ErrorCode.TASK_UNSUPPORTED, f"{model.source.id} cannot be guided.", field=field)
        net = net.to(next(denoiser.parameters()).device, denoiser.dtype).eval().requires_grad_(False)
        return Guide(net, self._fingerprints.start(folder, files), _bytes_of(net))


def _bytes_of(net: Any) -> int:
    loose = getattr(net, "weights", {})  # An IP-Adapter's own, which go into the UNet.
    tensors = (*net.parameters(), *net.buffers(), *(tensor for part in loose.values() for tensor in part.values()))
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _files_of(source: AdapterSource) -> tuple[Path, list[Path]]:
    """The folder and the safetensors files of a guide. Raises `BridgeError` when there are none."""
    path = Path(source.location)
    if not (path / "config.json").is_file():
        file = weights_file(source)
        return file.parent, [file]
    files = sorted(path.glob("*.safetensors"))
    plain = [file for file in files if file.name.count(".") == 1]
    if files:
        return path, plain or files
    if any(path.glob("*.bin")):
        raise BridgeError(
            ErrorCode.UNSAFE_WEIGHTS,
            f"{source.id} keeps its weights in a pickle, which can run any program when it is read.",
            hint="Get its safetensors edition.",
        )
    raise unusable_adapter(source.id, "its folder has no weights")


def _from_folder(source: AdapterSource, folder: Path, files: list[Path]) -> torch.nn.Module:
    try:
        class_name = json.loads((folder / "config.json").read_text(encoding="utf-8"))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise unusable_adapter(source.id, f"its config.json cannot be read ({error})") from error
    if CLASSES.get(class_name) != source.type:
        raise BridgeError(
            ErrorCode.TASK_UNSUPPORTED, f"{source.id} is a {class_name}, which is not supported.", field="task.controls"
        )
    name = files[0].name.split(".")
    variant = name[1].split("-")[0] if len(name) > 2 else None
    load: Callable[..., torch.nn.Module] = getattr(diffusers, class_name).from_pretrained
    try:
        return load(folder, use_safetensors=True, local_files_only=True, variant=variant)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise unusable_adapter(source.id, f"it cannot be loaded ({str(error).strip()[:200]})") from error


def _check_fit(source: AdapterSource, net: Any, model: LoadedModel, field: str) -> None:
    """Raise `BridgeError` (`task_unsupported`) when the shapes of both tell that they do not go together."""
    wrong = _difference(net, model.base)
    if wrong is not None:
        title = f"The {'ControlNet' if source.type == 'controlnet' else 'T2I-Adapter'} {source.id}"
        raise misfit(title, wrong[0], model.source.id, family_of_pipe(model.base), wrong[1], field)


def _difference(net: Any, pipe: Any) -> tuple[str, str] | None:
    """What a guide was made for and how the model differs from that; None when they fit."""
    made_for = _TRANSFORMERS.get(type(net).__name__)
    if made_for is not None:
        transformer: Any = getattr(pipe, "transformer", None)
        guided = type(net).__name__.replace("ControlNetModel", "Transformer2DModel")
        fits = type(transformer).__name__ == guided and _width(net) == _width(transformer)
        if fits and net.config.in_channels != transformer.config.in_channels:
            return made_for, "it sees something else beside the picture"
        if fits and "extra_conditioning_channels" in net.config and net.config.extra_conditioning_channels:
            return made_for, "the ControlNet wants a mask, which is not supported"
        return None if fits else (made_for, "another architecture")
    unet: Any = getattr(pipe, "unet", None)
    if unet is None:
        return "a Stable Diffusion with a UNet", "it has none"
    if type(unet).__name__ != "UNet2DConditionModel":
        return "a Stable Diffusion", "its UNet is of another architecture"
    is_controlnet = type(net).__name__ == "ControlNetModel"
    if is_controlnet and net.config.cross_attention_dim != unet.config.cross_attention_dim:
        return family_of_width(net.config.cross_attention_dim), "text features of another width"
    blocks = list(unet.config.block_out_channels)
    if is_controlnet:
        fits = list(net.config.block_out_channels) == blocks
    else:
        # A UNet that begins without attention adds what an adapter saw one halving later.
        late = unet.config.down_block_types[0] == "DownBlock2D"
        fits = list(net.config.channels)[: len(blocks)] == blocks and late == net.config.adapter_type.endswith("_xl")
    return None if fits else ("a UNet of another shape", "its blocks differ")


def _width(transformer: Any) -> int:
    return int(transformer.config.num_attention_heads * transformer.config.attention_head_dim)
