"""A diffusers folder looked at before anything in it is loaded: complete, sound, and safetensors only."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.protocol.errors import BridgeError, ErrorCode

PICKLES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl"})
WEIGHTLESS = (
    "Scheduler", "Tokenizer", "TokenizerFast", "TokenizersBackend", "SentencePieceBackend", "PythonBackend",
    "Processor", "FeatureExtractor", "Extractor",
)  # fmt: skip
OPTIONAL = frozenset({"safety_checker", "feature_extractor", "image_encoder"})
MAX_HEADER_BYTES = 100_000_000
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


def inspect_folder(path: Path) -> ModelFolder:
    """Look at a diffusers folder without loading anything.

    Raises:
        BridgeError: `unsafe_weights` for pickles without safetensors, `model_unusable` for anything else.
    """
    index = _read_index(path)
    components, files = [], []
    for name, entry in index.items():
        if name.startswith("_") or not isinstance(entry, list) or len(entry) != 2 or entry[0] is None:
            continue
        library, class_name = str(entry[0]), str(entry[1])
        if class_name.endswith(WEIGHTLESS) or name == "safety_checker":
            if name not in OPTIONAL and not (path / name).is_dir():
                raise unusable(path, f"its part {name!r} is missing")
            continue
        if library not in ("diffusers", "transformers"):
            raise unusable(path, f"its part {name!r} needs code from {library!r}, which is not trusted")
        weights = _weights_of(path, name)
        if weights is None:
            continue
        chosen, variant = weights
        components.append(Component(name, library, class_name, variant))
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
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else -1
        if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
            raise unusable(path, "it is no safetensors file, or it was cut off")
        try:
            header = json.loads(file.read(length))
            end = max((entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"), default=0)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise unusable(path, "its safetensors header is damaged") from error
    if not isinstance(end, int) or 8 + length + end != size:
        raise unusable(path, f"it has {size} bytes where its header promises {8 + length + end}; get it again")


def unusable(path: Path, reason: str) -> BridgeError:
    """The error for a model that cannot be used, with the reason in the user's words."""
    return BridgeError(
        ErrorCode.MODEL_UNUSABLE,
        f"The model at {path} cannot be used: {reason}.",
        hint="A model is a folder in the diffusers layout, with a model_index.json.",
    )


def _read_index(path: Path) -> Mapping[str, Any]:
    try:
        index = json.loads((path / "model_index.json").read_text(encoding="utf-8"))
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


def _weights_of(path: Path, name: str) -> tuple[list[Path], str | None] | None:
    """The safetensors of a part and their variant; None for an optional part that is not there."""
    folder = path / name
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if not files:
        if folder.is_dir() and any(file.suffix in PICKLES for file in folder.iterdir()):
            raise BridgeError(
                ErrorCode.UNSAFE_WEIGHTS,
                f"The model at {path} keeps its {name} in a pickle, which can run any program when it is read.",
                hint=_CONVERT,
            )
        if name in OPTIONAL:
            return None
        raise unusable(
            path, f"its part {name!r} has no weights" if folder.is_dir() else f"its part {name!r} is missing"
        )
    plain = [file for file in files if file.name.count(".") == 1]
    if plain:
        return _whole(path, name, plain), None
    variant = files[0].name.split(".")[1].split("-")[0]
    return _whole(path, name, [file for file in files if file.name.split(".")[1].split("-")[0] == variant]), variant


def _whole(path: Path, name: str, files: list[Path]) -> list[Path]:
    """`files` when every shard that their index names is there."""
    for index in (path / name).glob("*.safetensors.index*.json"):
        try:
            wanted = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise unusable(path, f"the list of shards of its {name} is damaged") from error
        missing = sorted(shard for shard in wanted if not (path / name / shard).is_file())
        if missing:
            raise unusable(path, f"its {name} lacks {', '.join(missing)}")
    return files
