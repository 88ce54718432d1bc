"""A diffusers folder looked at before anything in it is loaded: complete, sound, and safetensors only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.model_layout import INDEX_NAME, PICKLES, Part, editions_of, parts_of, shards_missing
from bridge.protocol.weights_header import read_header

_CONVERT = (
    "Convert it once with `DiffusionPipeline.from_pretrained(folder).save_pretrained(new_folder, "
    "safe_serialization=True)` in a place that you can afford to lose, or get its safetensors edition."
)


@dataclass(frozen=True)
class Component:
    """A part of a model that has weights.

    Attributes:
        name: its folder, such as "unet".
        library: "diffusers" or "transformers".
        class_name: its class in that library.
        variant: "fp16" and the like when only such weights are there; else None.
    """

    name: str
    library: str
    class_name: str
    variant: str | None


@dataclass(frozen=True)
class ModelFolder:
    """A model folder that is fit to be loaded.

    Attributes:
        path: the folder.
        pipeline_class: what `model_index.json` calls it.
        components: the parts with weights.
        weight_files: every safetensors file among them.
        names: every key of `model_index.json`.
        absent: the parts that it says are left out, such as a third text encoder.
    """

    path: Path
    pipeline_class: str
    components: tuple[Component, ...]
    weight_files: tuple[Path, ...]
    names: frozenset[str]
    absent: frozenset[str]


def inspect_folder(path: Path, from_elsewhere: Callable[[Part], bool] = lambda part: False) -> ModelFolder:
    """Look at a diffusers folder without loading anything.

    Args:
        from_elsewhere: whether a part's weights come from a file beside the folder, so that it need not have them.

    Raises:
        BridgeError: `unsafe_weights` for pickles without safetensors, `model_unusable` for anything else.
    """
    index = _read_index(path)
    components, files = [], []
    for part in parts_of(index):
        if not part.weights:
            if not part.optional and not (path / part.name).is_dir():
                raise unusable(path, f"its part {part.name!r} is missing")
            continue
        if from_elsewhere(part):
            components.append(Component(part.name, part.library, part.class_name, None))
            continue
        weights = _weights_of(path, part)
        if weights is not None:
            chosen, variant = weights
            components.append(Component(part.name, part.library, part.class_name, variant))
            files.extend(chosen)
    if not components:
        raise unusable(path, "it has no part with weights")
    for file in files:
        check_safetensors(file)
    return ModelFolder(
        path,
        str(index.get("_class_name", "")),
        tuple(components),
        tuple(sorted(files)),
        frozenset(index),
        frozenset(name for name, entry in index.items() if entry == [None, None]),
    )


def check_safetensors(path: Path) -> None:
    """Check header and offsets against the size of the file; reads the header alone.

    Raises:
        BridgeError: `model_unusable` when the file was cut off or is something else.
    """
    try:
        read_header(path)
    except BridgeError as error:
        raise unusable(path, error.message.rstrip(".")) from error


def unusable(path: Path, reason: str) -> BridgeError:
    """The error for a model that cannot be used, with the reason in the user's words."""
    return BridgeError(
        ErrorCode.MODEL_UNUSABLE,
        f"The model at {path} cannot be used: {reason}.",
        hint="A model is a folder in the diffusers layout, with a model_index.json.",
    )


def _read_index(path: Path) -> Mapping[str, Any]:
    try:
        index = json.loads((path / INDEX_NAME).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_file():
            raise unusable(path, "it is a single file") from error
        if not path.is_dir():
            raise unusable(path, "there is no such folder") from error
        raise unusable(path, "it has no model_index.json") from error
    except (OSError, ValueError) as error:
        raise unusable(path, f"its model_index.json cannot be read ({error})") from error
    if not isinstance(index, dict):
        raise unusable(path, "its model_index.json is not a map")
    return index


def _weights_of(path: Path, part: Part) -> tuple[list[Path], str | None] | None:
    """The safetensors of a part and their variant; None for an optional part that is not there."""
    folder = path / part.name
    names = [file.name for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []
    editions = editions_of(names)
    if editions:
        # The plain edition where there is one: variants are for who has no other.
        chosen = editions[min(editions)]
        return [folder / name for name in chosen.files], chosen.variant or None
    if missing := shards_missing(names):
        raise unusable(path, f"its {part.name} lacks {', '.join(missing)}")
    if any(name.endswith(tuple(PICKLES)) for name in names):
        raise BridgeError(
            ErrorCode.UNSAFE_WEIGHTS,
            f"The model at {path} keeps its {part.name} in a pickle, which can run any program when it is read.",
            hint=_CONVERT,
        )
    if part.optional:
        return None
    raise unusable(path, f"its part {part.name!r} {'has no weights' if folder.is_dir() else 'is missing'}")
