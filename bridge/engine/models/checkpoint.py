"""A checkpoint in a single file. What it lacks (configuration, tokenizer, parts) comes from a folder of its family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from bridge.protocol.model_layout import PICKLES, Part

from .folder import Component, check_safetensors, unusable

_MARKS: Mapping[str, tuple[str, ...]] = {
    "vae": ("first_stage_model.", "vae."),
    "text_encoder": ("cond_stage_model.", "conditioner.", "text_encoders."),
}
DENOISERS = ("unet", "transformer")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint file.

    Attributes:
        path: the file.
        parts: which parts it holds: "denoiser", "vae", "text_encoder".
    """

    path: Path
    parts: frozenset[str]

    def has(self, component: Component | Part) -> bool:
        """Whether the file itself holds a component of the pipeline."""
        if component.name in DENOISERS:
            return True
        kind = "text_encoder" if component.name.startswith("text_encoder") else component.name
        return kind in self.parts

    def is_text(self, component: Component) -> bool:
        """Whether a component is a text encoder of the file, which only a whole pipeline can read."""
        return component.name.startswith("text_encoder") and self.has(component)

    def load(self, cls: Any, component: Component, reference: Path, precision: Mapping[str, Any]) -> Any:
        """A denoiser or autoencoder of the file, in the shape that the reference's configuration says.

        Raises:
            OSError, ValueError, KeyError, TypeError, RuntimeError: the file and the configuration do not fit.
        """
        return cls.from_single_file(
            str(self.path), config=str(reference), subfolder=component.name, local_files_only=True, **precision
        )

    def load_texts(self, cls: Any, reference: Path, given: Mapping[str, Any], precision: Mapping[str, Any]) -> Any:
        """A pipeline of class `cls` with the text encoders of the file and the parts in `given`. Raises as `load`."""
        return cls.from_single_file(str(self.path), config=str(reference), local_files_only=True, **precision, **given)


def open_checkpoint(path: Path) -> Checkpoint:
    """Look at a checkpoint file without loading it.

    Raises:
        BridgeError: `model_unusable` when it is no sound safetensors file.
    """
    if path.suffix in PICKLES:
        raise unusable(path, "it is a pickle, which can run any program when it is read")
    check_safetensors(path)
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
    except (OSError, SafetensorError) as error:
        raise unusable(path, f"it cannot be read ({error})") from error
    parts = {part for part, marks in _MARKS.items() if any(name.startswith(marks) for name in names)}
    return Checkpoint(path, frozenset({"denoiser", *parts}))
