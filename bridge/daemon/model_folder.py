"""What a diffusers folder is, read from its JSON files alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.families import family_of_class
from bridge.protocol.model_layout import INDEX_NAME

from .catalogued import CataloguedModel, catalogued, unusable

CARD_NAME = "bridge.json"
"""Optional, in a model's folder: title, description, steps, guidance_scale, native_size. Overrides what is guessed."""


def read_folder(folder: Path, model_id: str = "") -> CataloguedModel:
    """Read a diffusers folder. One that cannot be used is listed with the reason.

    Args:
        model_id: its id; the name of the folder when empty.
    """
    model_id = model_id or folder.name
    try:
        index = _read_json(folder / INDEX_NAME)
        card = _read_json(folder / CARD_NAME) if (folder / CARD_NAME).is_file() else {}
        denoiser = _first_config(folder, ("unet", "transformer"))
        factor = _downscale_factor(folder)
        scheduler_file = folder / "scheduler" / "scheduler_config.json"
        scheduler = _read_json(scheduler_file) if scheduler_file.is_file() else {}
    except BridgeError as error:
        return unusable(model_id, folder, error.message)
    class_name = str(index.get("_class_name", ""))
    family = family_of_class(class_name, denoiser)
    if family is None:
        return unusable(model_id, folder, f"{class_name or 'it'} is no kind of pipeline that this program knows.")
    try:
        return catalogued(
            model_id,
            folder,
            family,
            scheduler=scheduler,
            native_size=_native_size(denoiser, factor),
            size_multiple=max(8, factor) if "unet" in index else 0,
            card=card,
        )
    except (TypeError, ValueError) as error:
        return unusable(model_id, folder, f"{CARD_NAME} cannot be used: {error}.")


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BridgeError(
            ErrorCode.MODEL_UNUSABLE, f"{path.name} is missing: this is not a diffusers folder."
        ) from error
    except (OSError, ValueError) as error:
        raise BridgeError(ErrorCode.MODEL_UNUSABLE, f"{path.name} cannot be read: {error}.") from error
    if not isinstance(value, Mapping):
        raise BridgeError(ErrorCode.MODEL_UNUSABLE, f"{path.name} does not hold a JSON object.")
    return value


def _first_config(folder: Path, names: Iterable[str]) -> Mapping[str, Any]:
    for name in names:
        if (folder / name / "config.json").is_file():
            return _read_json(folder / name / "config.json")
    return {}


def _downscale_factor(folder: Path) -> int:
    blocks = _first_config(folder, ("vae",)).get("block_out_channels")
    return int(2 ** (len(blocks) - 1)) if isinstance(blocks, list) and blocks else 8


def _native_size(denoiser: Mapping[str, Any], factor: int) -> int:
    """Side that the denoiser's configuration speaks of; 0 when it does not."""
    sample = denoiser.get("sample_size")
    if isinstance(sample, int) and not isinstance(sample, bool):
        return max(64, min(sample * factor, 4096))
    return 0
