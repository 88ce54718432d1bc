"""From a folder to pipelines: part by part, so that a job can be stopped in between."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import diffusers
import torch
from diffusers import (
    AutoPipelineForImage2Image,
    AutoPipelineForInpainting,
    AutoPipelineForText2Image,
)

from bridge.engine.adapters.guides import GuideRack
from bridge.engine.adapters.lora import LoraRack
from bridge.engine.device import Device, is_out_of_memory
from bridge.engine.latent_colours import LatentColours, latent_colours
from bridge.engine.schedulers import Schedulers
from bridge.protocol.engine_link import ModelSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.families import Family, family_of_class
from bridge.protocol.model_layout import LIBRARIES

from .checkpoint import Checkpoint, open_checkpoint
from .folder import Component, ModelFolder, inspect_folder, unusable

Mode = Literal["text-to-image", "image-to-image", "inpaint"]
_AUTO: dict[str, Any] = {
    "text-to-image": AutoPipelineForText2Image,
    "image-to-image": AutoPipelineForImage2Image,
    "inpaint": AutoPipelineForInpainting,
}


@dataclass
class LoadedModel:
    """A model in memory. Its pipelines share their components; schedulers are replaced for every job.

    Attributes:
        source: where it came from and what it recommends.
        fingerprint: its content hash, ready when the background has computed it.
        bytes: size of its weights in memory.
        own_scheduler: the one that came with the model. Only read; jobs get theirs from `schedulers`.
        family: the family that it belongs to; None when it is not in the table.
        offloaded: whether parts rest in the host's memory between uses.
        loras: those put into it so far, which `bytes` counts.
        guides: ControlNets and their like kept beside it, which `bytes` counts.
    """

    source: ModelSource
    base: Any
    base_mode: Mode
    fingerprint: Future[str]
    bytes: int
    own_scheduler: Any
    family: Family | None = None
    offloaded: bool = False
    loras: LoraRack = field(default_factory=LoraRack)
    guides: GuideRack = field(default_factory=GuideRack)
    _pipelines: dict[str, Any] = field(default_factory=dict)
    _latent_colours: LatentColours | None = None

    def __post_init__(self) -> None:
        self.schedulers = Schedulers(self.own_scheduler, self.family.only_schedulers if self.family else ())

    @property
    def is_inpaint_model(self) -> bool:
        """Whether the network itself takes a mask and a masked picture (9 latent channels for 4)."""
        return self.base_mode == "inpaint"

    @property
    def pipelines(self) -> tuple[Any, ...]:
        """All pipelines that it has been used as so far."""
        return self.base, *self._pipelines.values()

    def pipeline(self, mode: Mode) -> Any:
        """The pipeline for a kind of task.

        Raises:
            BridgeError: `task_unsupported` when this kind of model cannot do it.
        """
        if self.is_inpaint_model and mode != "inpaint":
            raise BridgeError(
                ErrorCode.TASK_UNSUPPORTED,
                f"The model {self.source.id} was made for inpainting alone.",
                hint="Take another model for this task.",
            )
        if mode == "text-to-image" and self.family and not self.family.text_to_image:
            # Some classes for it can be put together of the parts of such a model, and then trip over them.
            raise self._lacks(mode)
        if mode == self.base_mode or (mode == "image-to-image" and self.family and self.family.start == "emulated"):
            return self.base
        if mode not in self._pipelines:
            try:
                made = _beside(self.base, mode, self.family)
            except (ValueError, TypeError, AttributeError) as error:
                raise self._lacks(mode) from error
            made.set_progress_bar_config(disable=True)
            self._pipelines[mode] = made
        return self._pipelines[mode]

    def controlled_pipeline(self, mode: Mode, nets: Sequence[Any]) -> Any:
        """A pipeline for a kind of task that ControlNets guide.

        Raises:
            BridgeError: `task_unsupported` when this kind of model has none.
        """
        self.pipeline(mode)
        try:
            made = _AUTO[mode].from_pipe(self.base, controlnet=nets[0] if len(nets) == 1 else list(nets))
        except (ValueError, TypeError, AttributeError) as error:
            raise BridgeError(
                ErrorCode.TASK_UNSUPPORTED,
                f"The model {self.source.id} ({type(self.base).__name__}) takes no ControlNet for {mode}.",
                hint="Leave the controls out, or take another model.",
                field="task.controls",
            ) from error
        made.set_progress_bar_config(disable=True)
        return made

    def _lacks(self, mode: Mode) -> BridgeError:
        return BridgeError(
            ErrorCode.TASK_UNSUPPORTED,
            f"The model {self.source.id} ({type(self.base).__name__}) has no {mode} pipeline.",
            hint="Take another model for this task.",
        )

    def latent_colours(self, pipe: Any) -> LatentColours:
        """How its latents are shown in previews; found out when it is first wanted."""
        if self._latent_colours is None:
            self._latent_colours = latent_colours(pipe)
        return self._latent_colours

    def move(self, place: torch.device) -> None:
        """Put all weights on a device. Guides beside it are let go: each job brings its own anyway."""
        self.guides.clear(self)
        for part in self.base.components.values():
            if isinstance(part, torch.nn.Module):
                part.to(place)

    def set_vae_savings(self, on: bool) -> bool:
        """Have the autoencoder work in tiles, or not. Returns whether it can."""
        vae = getattr(self.base, "vae", None)
        if vae is None or not hasattr(vae, "enable_tiling"):
            return False
        for name in ("tiling", "slicing"):
            switch = getattr(vae, f"{'enable' if on else 'disable'}_{name}", None)
            if switch is not None:
                switch()
        return True

    def offload(self, device: Device) -> None:
        """Keep parts in the host's memory and move each to the device for its use only. Stays so."""
        self.base.enable_model_cpu_offload(device=device.place)
        self._pipelines.clear()
        self.offloaded = True


def load_model(
    source: ModelSource,
    device: Device,
    start_hash: Callable[[Path, tuple[Path, ...]], Future[str]],
    check: Callable[[], None],
) -> LoadedModel:
    """Load a model.

    Args:
        start_hash: begins the computation of the content hash.
        check: called between parts; raises when loading is to stop.

    Raises:
        BridgeError: `unsafe_weights` or `model_unusable`.
    """
    checkpoint = open_checkpoint(Path(source.location)) if source.base else None
    folder = inspect_folder(Path(source.base), checkpoint.has) if checkpoint else inspect_folder(Path(source.location))
    check()
    dtype = device.dtype(flow=any(part.name == "transformer" for part in folder.components))
    parts: dict[str, Any] = {}
    for component in folder.components:
        if checkpoint is None or not checkpoint.is_text(component):
            parts[component.name] = _load_component(folder, component, dtype, checkpoint)
        check()
    family = family_of_class(folder.pipeline_class, _denoiser_config(parts))
    if checkpoint is not None:
        parts.update(_texts_of(checkpoint, folder, parts, family, dtype))
        check()
    mode = _base_mode(family)
    pipeline = _assemble(folder, parts, family, dtype)
    check()
    pipeline.set_progress_bar_config(disable=True)
    pipeline.to(device.place)
    size = sum(_bytes_of(part) for part in parts.values())
    fingerprint = (
        start_hash(checkpoint.path, (checkpoint.path,)) if checkpoint else start_hash(folder.path, folder.weight_files)
    )
    return LoadedModel(source, pipeline, mode, fingerprint, size, pipeline.scheduler, family)


def _load_component(
    folder: ModelFolder, component: Component, dtype: torch.dtype, checkpoint: Checkpoint | None = None
) -> Any:
    cls = getattr(importlib.import_module(LIBRARIES[component.library]), component.class_name, None)
    if cls is None:
        raise unusable(folder.path, f"the installed {component.library} does not know {component.class_name}")
    in_file = checkpoint is not None and checkpoint.has(component)
    try:
        if checkpoint is not None and in_file:
            part = checkpoint.load(cls, component, folder.path, _precision(component.library, dtype))
        else:
            part = cls.from_pretrained(
                folder.path / component.name,
                use_safetensors=True,
                local_files_only=True,
                variant=component.variant,
                low_cpu_mem_usage=component.library == "diffusers",
                **_precision(component.library, dtype),
            )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        path = checkpoint.path if checkpoint is not None and in_file else folder.path
        raise unusable(path, f"its {component.name} cannot be loaded ({_first_line(error)})") from error
    # Some classes keep the precision that they were saved in, whatever they are told.
    if any(tensor.dtype != dtype for tensor in part.parameters() if tensor.is_floating_point()):
        part.to(dtype)
    return part.eval().requires_grad_(False)


def _texts_of(
    checkpoint: Checkpoint, folder: ModelFolder, parts: dict[str, Any], family: Family | None, dtype: torch.dtype
) -> dict[str, Any]:
    """The text encoders that a checkpoint file holds."""
    names = [component.name for component in folder.components if checkpoint.is_text(component)]
    if not names:
        return {}
    given = {**parts, **dict.fromkeys(folder.absent)}
    if "safety_checker" in folder.names:
        given["safety_checker"] = None
    try:
        pipe = checkpoint.load_texts(_base_class(family), folder.path, given, _precision("diffusers", dtype))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        if is_out_of_memory(error):
            raise
        raise unusable(checkpoint.path, f"its text encoders cannot be loaded ({_first_line(error)})") from error
    return {name: getattr(pipe, name).to(dtype).eval().requires_grad_(False) for name in names}


def _assemble(folder: ModelFolder, parts: dict[str, Any], family: Family | None, dtype: torch.dtype) -> Any:
    # The checker blacks out pictures by a classifier that no user of this program asked for.
    given = {**parts, **dict.fromkeys(folder.absent)}
    if "safety_checker" in folder.names:
        given["safety_checker"] = None
    if "requires_safety_checker" in folder.names:
        given["requires_safety_checker"] = False
    try:
        return _base_class(family).from_pretrained(
            folder.path, use_safetensors=True, local_files_only=True, **_precision("diffusers", dtype), **given
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError, ImportError) as error:
        if is_out_of_memory(error):
            raise
        raise unusable(folder.path, f"it cannot be put together ({_first_line(error)})") from error


def _precision(library: str, dtype: torch.dtype) -> dict[str, torch.dtype]:
    """The argument that sets the number format; it was renamed in both libraries."""
    library = "diffusers" if library == "diffusers" else "transformers"  # whose model class the other parts have
    renamed = {"transformers": (4, 56), "diffusers": (0, 42)}[library]
    installed = tuple(int(part) for part in importlib.metadata.version(library).split(".")[:2])
    return {"dtype" if installed >= renamed else "torch_dtype": dtype}


def _denoiser_config(parts: dict[str, Any]) -> dict[str, Any]:
    denoiser = parts.get("unet", parts.get("transformer"))
    return {} if denoiser is None else dict(denoiser.config)


def _base_mode(family: Family | None) -> Mode:
    if family is not None and family.mask_model:
        return "inpaint"
    return "text-to-image" if family is None or family.text_to_image else "image-to-image"


def _base_class(family: Family | None) -> Any:
    """The class that a model is loaded as; what diffusers guesses for a family that is not in the table."""
    return AutoPipelineForText2Image if family is None else getattr(diffusers, family.base)


def _beside(base: Any, mode: Mode, family: Family | None) -> Any:
    """Another pipeline with the parts of `base`.

    Raises:
        ValueError, TypeError, AttributeError: there is none for this kind of task.
    """
    try:
        return _AUTO[mode].from_pipe(base)
    except ValueError:
        # diffusers guesses by a list of its own, on which not every class stands that it has.
        name = family and {"image-to-image": family.image_to_image, "inpaint": family.inpaint}.get(mode)
        if not name:
            raise
        return getattr(diffusers, name)(**base.components)


def _bytes_of(part: Any) -> int:
    if not isinstance(part, torch.nn.Module):
        return 0
    return sum(tensor.numel() * tensor.element_size() for tensor in (*part.parameters(), *part.buffers()))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300] if lines else ''}".rstrip(": ")
