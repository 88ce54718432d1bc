"""Which models there are: diffusers folders in the configured places, read from their JSON files alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.protocol.engine_link import AdapterSource, ModelSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import AdapterInfo, ModelInfo
from bridge.protocol.tasks import TASKS, Generation

from .adapters import CataloguedAdapter, find_adapters, sources_for

INDEX_NAME = "model_index.json"
CARD_NAME = "bridge.json"
"""Optional, in a model's folder: title, description, steps, guidance_scale, native_size. Overrides what is guessed."""

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
ALL_TASKS = tuple(str(getattr(task, "kind")) for task in TASKS)  # noqa: B009 - not declared on the base


@dataclass(frozen=True)
class CataloguedModel:
    """A model as clients see it, and where the engine finds it."""

    info: ModelInfo
    source: ModelSource


class Catalogue:
    """The models that clients may name. Nothing else is ever loaded."""

    def __init__(self, models: Iterable[str], folders: Iterable[Path]) -> None:
        self._named = tuple(models)
        self._folders = tuple(folders)
        self._models: dict[str, CataloguedModel] = {}
        self._adapters: tuple[CataloguedAdapter, ...] = ()
        self.refresh()

    def refresh(self) -> None:
        """Look again. Models named on the command line come first, the first of them is the default."""
        found: dict[str, CataloguedModel] = {}
        for name in self._named:
            model = _read_named(name)
            found.setdefault(model.info.id, model)
        for folder in self._folders:
            children = sorted(folder.iterdir()) if folder.is_dir() else []
            for child in children:
                if (child / INDEX_NAME).is_file():
                    model = read_folder(child)
                    found.setdefault(model.info.id, model)
        self._models = found
        self._adapters = tuple(adapter for folder in self._folders for adapter in find_adapters(folder))

    def adapters(self) -> tuple[AdapterInfo, ...]:
        """All adapters."""
        return tuple(adapter.info for adapter in self._adapters)

    def adapters_for(self, task: Generation) -> tuple[AdapterSource, ...]:
        """Every adapter that a task names. Raises `BridgeError` (`unknown_adapter`, `model_unusable`)."""
        return sources_for(task, self._adapters)

    def infos(self) -> tuple[ModelInfo, ...]:
        """All models, the default first."""
        return tuple(model.info for model in self._models.values())

    def find(self, model_id: str) -> CataloguedModel:
        """The model of this id; the default one for an empty id.

        Raises:
            BridgeError: `unknown_model` or `model_unusable`.
        """
        if not model_id and self._models:
            model = next(iter(self._models.values()))
        elif model_id in self._models:
            model = self._models[model_id]
        else:
            raise BridgeError(
                ErrorCode.UNKNOWN_MODEL,
                f"There is no model {model_id!r}." if model_id else "This daemon has no model.",
                hint="`latent-bridge models` lists them; `latent-bridge serve --model FOLDER` adds one.",
                field="task.model",
            )
        if model.info.unusable:
            raise BridgeError(
                ErrorCode.MODEL_UNUSABLE,
                f"Model {model.info.id} cannot be used: {model.info.unusable}",
                field="task.model",
            )
        return model


def _read_named(name: str) -> CataloguedModel:
    path = Path(name).expanduser()
    if path.is_dir():
        return read_folder(path.resolve())
    if HUB_ID.fullmatch(name):
        info = ModelInfo(id=name, title=name, tasks=ALL_TASKS)
        return CataloguedModel(info, ModelSource(id=name, location=name, local=False))
    return _unusable(name, path, f"{name} is neither a folder nor a hub id of the form owner/name.")


def read_folder(folder: Path) -> CataloguedModel:
    """Read a diffusers folder. One that cannot be used is listed with the reason."""
    try:
        index = _read_json(folder / INDEX_NAME)
        card = _read_json(folder / CARD_NAME) if (folder / CARD_NAME).is_file() else {}
        factor = _downscale_factor(folder)
        denoiser = _first_config(folder, ("unet", "transformer"))
    except BridgeError as error:
        return _unusable(folder.name, folder, error.message)
    native = _native_size(denoiser, factor)
    info = ModelInfo(
        id=folder.name,
        title=str(card.get("title", folder.name)),
        description=str(card.get("description", index.get("_class_name", ""))),
        tasks=ALL_TASKS,
        native_size=int(card.get("native_size", native)),
        size_multiple=max(8, factor * 2 if "transformer" in index else factor),
        steps=int(card.get("steps", 20)),
        guidance_scale=float(card.get("guidance_scale", 7.5)),
    )
    source = ModelSource(
        id=info.id,
        location=str(folder),
        native_size=info.native_size,
        size_multiple=info.size_multiple,
        steps=info.steps,
        guidance_scale=info.guidance_scale,
    )
    return CataloguedModel(info, source)


def _unusable(model_id: str, path: Path, reason: str) -> CataloguedModel:
    info = ModelInfo(id=model_id, title=path.name, unusable=reason)
    return CataloguedModel(info, ModelSource(id=model_id, location=str(path)))


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
    sample = denoiser.get("sample_size")
    if isinstance(sample, int) and not isinstance(sample, bool):
        return max(64, min(sample * factor, 4096))
    return 1024 if "num_layers" in denoiser else 512


def kind_of(task: Generation) -> str:
    """The wire name of a task."""
    return str(getattr(task, "kind", ""))
