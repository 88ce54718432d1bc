"""What a folder in the diffusers layout holds, told by its index and the names of its files. Pure.

`model_index.json` names the parts of a model. A part with weights keeps them in one or several editions: the plain one,
and variants in fewer bits such as `fp16`; an edition is one file, or several shards that count themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import BridgeError, ErrorCode

INDEX_NAME = "model_index.json"
LIBRARIES: Mapping[str, str] = {
    "diffusers": "diffusers",
    "transformers": "transformers",
    "kolors": "diffusers.pipelines.kolors",
}
"""Modules that parts may come from, by the names that an index has for them; nothing else is imported for a model."""
PICKLES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl"})
WEIGHTLESS = (
    "Scheduler", "Tokenizer", "TokenizerFast", "TokenizersBackend", "SentencePieceBackend", "PythonBackend",
    "Processor", "FeatureExtractor", "Extractor",
)  # fmt: skip
"""Ends of the names of classes that have no weights."""
OPTIONAL = frozenset({"safety_checker", "feature_extractor", "image_encoder"})
UNWANTED = frozenset({"safety_checker"})
"""Parts that this program never loads."""
_SETTINGS = (".json", ".txt", ".model", ".jinja")
_SHARD_LIST = re.compile(r"\.index(\.[^.]+)?\.json$")
_WEIGHTS = re.compile(
    r"(?:diffusion_pytorch_model|model)(?:\.(?P<variant>[\w-]+?))?"
    r"(?:-(?P<shard>\d{5})-of-(?P<shards>\d{5}))?(?:\.(?P<late_variant>\w+))?\.safetensors"
)
_SMALLEST_FIRST = ("fp16", "bf16", "")
"""The engine computes in half precision where it can, so the full one would be twice the way for the same picture."""


@dataclass(frozen=True)
class Part:
    """A part of a model.

    Attributes:
        name: its folder, such as "unet".
        library: "diffusers" or "transformers".
        class_name: its class in that library.
        weights: whether it has any.
        optional: whether the model works without it.
    """

    name: str
    library: str
    class_name: str
    weights: bool
    optional: bool


@dataclass(frozen=True)
class Edition:
    """One complete set of a part's weights.

    Attributes:
        variant: "fp16" and the like; empty for the plain one.
        files: names in the part's folder, in order.
    """

    variant: str
    files: tuple[str, ...]


def parts_of(index: Mapping[str, Any]) -> tuple[Part, ...]:
    """The parts that this program loads.

    Raises:
        BridgeError: `model_unusable` for a part with weights that needs code from elsewhere.
    """
    found = []
    for name, entry in index.items():
        if name.startswith("_") or name in UNWANTED or not isinstance(entry, list) or len(entry) != 2 or not entry[0]:
            continue
        library, class_name = str(entry[0]), str(entry[1])
        weights = not class_name.endswith(WEIGHTLESS)
        if weights and library not in LIBRARIES:
            raise _unusable(f"its part {name!r} needs code from {library!r}, which is not trusted")
        found.append(Part(name, library, class_name, weights, name in OPTIONAL))
    return tuple(found)


def editions_of(names: Iterable[str]) -> dict[str, Edition]:
    """The complete editions among the names of a part's files, by variant; the plain one is called ""."""
    found: dict[str, Edition] = {}
    for variant, files in _weights_by_variant(names).items():
        whole = [name for name, match in files.items() if not match["shards"]]
        if whole:
            found[variant] = Edition(variant, tuple(whole[:1]))
        elif not _lacking_shards(files):
            found[variant] = Edition(variant, tuple(files))
    return found


def shards_missing(names: Iterable[str]) -> tuple[str, ...]:
    """What would complete an edition that was begun among the names of a part's files."""
    return next((tuple(_lacking_shards(files)) for files in _weights_by_variant(names).values()), ())


def _weights_by_variant(names: Iterable[str]) -> dict[str, dict[str, re.Match[str]]]:
    found: dict[str, dict[str, re.Match[str]]] = {}
    for name in sorted(names):
        if match := _WEIGHTS.fullmatch(name):
            found.setdefault(match["variant"] or match["late_variant"] or "", {})[name] = match
    return found


def _lacking_shards(files: Mapping[str, re.Match[str]]) -> list[str]:
    """Names of the shards that are not among those of an edition."""
    first, match = next(iter(files.items()))
    if not match["shards"]:
        return []
    start, end = match.span("shard")
    numbers = range(1, int(match["shards"]) + 1)
    return [name for name in (f"{first[:start]}{number:05}{first[end:]}" for number in numbers) if name not in files]


def needed_files(index: Mapping[str, Any], names: Iterable[str], *, weights: bool = True) -> tuple[str, ...]:
    """Those files of a repository that this program needs: settings, and one edition of the weights of every part.

    Args:
        index: what its `model_index.json` says.
        names: every file of the repository, with slashes.
        weights: False for the settings alone.

    Raises:
        BridgeError: `unsafe_weights` when a part has pickles alone, `model_unusable` when it has nothing.
    """
    known = sorted(names)
    chosen = [INDEX_NAME]
    for part in parts_of(index):
        inside = [name.removeprefix(f"{part.name}/") for name in known if name.startswith(f"{part.name}/")]
        own = [name for name in inside if "/" not in name]
        wanted = [name for name in own if name.endswith(_SETTINGS) and not _SHARD_LIST.search(name)]
        if part.weights and weights:
            edition = _smallest(editions_of(own))
            if edition is None:
                if part.optional:
                    continue
                raise lacking(part, own)
            wanted += [*edition.files, *_shard_list_of(edition, own)]
        chosen += [f"{part.name}/{name}" for name in wanted]
    return tuple(chosen)


def lacking(part: Part, names: Iterable[str]) -> BridgeError:
    """The error for a part of which there is no edition among `names`."""
    if any(name.endswith(tuple(PICKLES)) for name in names):
        return BridgeError(
            ErrorCode.UNSAFE_WEIGHTS,
            f"The model keeps its {part.name} in a pickle, which can run any program when it is read.",
            hint="Take an edition of it in safetensors.",
        )
    return _unusable(f"its part {part.name!r} has no weights in safetensors")


def _smallest(editions: Mapping[str, Edition]) -> Edition | None:
    for variant in (*_SMALLEST_FIRST, *sorted(editions)):
        if variant in editions:
            return editions[variant]
    return None


def _shard_list_of(edition: Edition, names: Iterable[str]) -> list[str]:
    """The file that says which tensor lies in which shard, of an edition that has shards."""
    lists = [name for name in names if _SHARD_LIST.search(name)] if len(edition.files) > 1 else []
    if edition.variant:
        return [name for name in lists if f".{edition.variant}." in name]
    return [name for name in lists if name.count(".") == 3]


def _unusable(reason: str) -> BridgeError:
    return BridgeError(ErrorCode.MODEL_UNUSABLE, f"The model cannot be used: {reason}.")
