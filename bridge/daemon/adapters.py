"""LoRAs, embeddings, ControlNets and their like: found in the model folders, and looked up for a task."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import AdapterInfo, AdapterType
from bridge.protocol.model_layout import PICKLES
from bridge.protocol.tasks import ESTIMATED, PREPROCESSORS, Generation, Region
from bridge.protocol.weights_header import PICKLE_REASON, SUFFIX, WeightsHeader, read_header

from .weights_kind import BY_TEXT_WIDTH, WeightsKind, kind_of_weights

ADAPTER_TYPES: frozenset[str] = frozenset(get_args(AdapterType))
CONTROLS: tuple[AdapterType, ...] = ("controlnet", "t2i-adapter", "ip-adapter")
NETWORK_TYPES: tuple[AdapterType, ...] = ("depth", "pose", "segmentation")
"""What `preprocess` of a control may name."""
FOLDERS: Mapping[str, AdapterType] = {
    "loras": "lora", "lora": "lora", "embeddings": "embedding", "embedding": "embedding",
    "controlnets": "controlnet", "controlnet": "controlnet", "adapters": "ip-adapter", "ipadapter": "ip-adapter",
    "t2i-adapters": "t2i-adapter", "preprocessors": "depth",
}  # fmt: skip
"""Subfolders of a models folder, and what is taken to lie in them where a file does not tell."""
ENCODER = "image_encoder"
"""A folder of this name is the part of an IP-Adapter that looks at pictures, and no adapter itself."""
CLASSES: Mapping[str, AdapterType] = {"T2IAdapter": "t2i-adapter"}
NETWORKS: tuple[tuple[re.Pattern[str], AdapterType], ...] = (
    (re.compile(r"\w+ForDepthEstimation"), "depth"),
    (re.compile(r"VitPoseForPoseEstimation"), "pose"),
    (re.compile(r"\w+ForSemanticSegmentation"), "segmentation"),
    (re.compile(r"RTDetr(V2)?ForObjectDetection"), "detection"),
)
"""Names of transformers' classes that make guiding pictures of ordinary ones, or take part in that."""
TO_GET: Mapping[str, str] = {
    "depth": "a depth estimation model such as Depth Anything",
    "pose": "a VitPose, and best an RT-DETR beside it that finds the persons",
    "segmentation": "a segmentation model of ADE20K's things such as UperNet or SegFormer",
}
PROMPT_TAG = re.compile(r"<(lora|embedding):([^:<>]+)(?::[^<>]*)?>")
MAX_TRIGGERS = 16


@dataclass(frozen=True)
class CataloguedAdapter:
    """An adapter as clients see it, and where the engine finds it."""

    info: AdapterInfo
    source: AdapterSource


@dataclass(frozen=True)
class NamedAdapter:
    """A place in a task that names an adapter.

    Attributes:
        name: the id.
        types: what it may be.
        field: dotted path of the place.
    """

    name: str
    types: tuple[AdapterType, ...]
    field: str


def find_adapters(folder: Path) -> Iterator[CataloguedAdapter]:
    """The adapters in the known subfolders of a models folder, at any depth. One that is unusable says why."""
    children = sorted(folder.iterdir()) if folder.is_dir() else []
    for child in children:
        assumed = FOLDERS.get(child.name.lower())
        if assumed is None or not child.is_dir():
            continue
        for path in sorted(child.rglob("*")):
            if ENCODER in path.relative_to(child).parts:
                continue
            if path.is_file() and path.suffix in PICKLES:
                yield _unusable(path.stem, assumed, path, PICKLE_REASON)
            elif path.suffix == SUFFIX and path.is_file() and not (path.parent / "config.json").is_file():
                yield read_adapter(path, assumed)
            elif (path / "config.json").is_file():
                yield _read_folder(path, assumed)


def read_adapter(path: Path, assumed: AdapterType) -> CataloguedAdapter:
    """An adapter in a file of its own. `assumed`: what it is taken for when it cannot be read."""
    try:
        header = read_header(path)
    except BridgeError as error:
        return _unusable(path.stem, assumed, path, error.message)
    return adapter_of(path, header, kind_of_weights(header), assumed)


def adapter_of(path: Path, header: WeightsHeader, kind: WeightsKind, assumed: AdapterType) -> CataloguedAdapter:
    """The adapter whose header was read already."""
    if kind.kind not in ADAPTER_TYPES:
        what = "its names are those of no known adapter" if kind.kind == "unknown" else f"it is a {kind.kind}"
        return _unusable(path.stem, assumed, path, f"{what}.")
    found: AdapterType = next(each for each in get_args(AdapterType) if each == kind.kind)
    info = AdapterInfo(
        id=path.stem,
        type=found,
        title=(header.metadata.get("modelspec.title") or path.stem)[:512],
        family=kind.family,
        triggers=triggers_of(header.metadata),
    )
    return CataloguedAdapter(info, AdapterSource(info.id, found, str(path)))


def _read_folder(folder: Path, assumed: AdapterType) -> CataloguedAdapter:
    """An adapter in the diffusers layout: a configuration, and weights beside it."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        class_name = str(config.get("_class_name", ""))
        width = config.get("cross_attention_dim")
    except (OSError, ValueError, AttributeError) as error:
        return _unusable(folder.name, assumed, folder, f"its config.json cannot be read: {error}.")
    adapter_type: AdapterType = "controlnet" if "ControlNet" in class_name else CLASSES.get(class_name, assumed)
    network = _network_type(config.get("architectures"))
    if network is not None:
        adapter_type = network
    elif adapter_type == "depth":
        return _unusable(folder.name, adapter_type, folder, "it is no model that makes guiding pictures.")
    weights = sorted(folder.glob(f"*{SUFFIX}"))
    if not weights:
        pickled = any(file.suffix in PICKLES for file in folder.iterdir())
        return _unusable(folder.name, adapter_type, folder, PICKLE_REASON if pickled else "it has no weights.")
    try:
        for file in weights:
            read_header(file)
    except BridgeError as error:
        return _unusable(folder.name, adapter_type, folder, error.message)
    family = BY_TEXT_WIDTH.get(width, "") if isinstance(width, int) else _family_of_class(class_name)
    info = AdapterInfo(id=folder.name, type=adapter_type, title=folder.name, family=family)
    return CataloguedAdapter(info, AdapterSource(info.id, adapter_type, str(folder)))


def _network_type(architectures: object) -> AdapterType | None:
    """What kind of guiding pictures a model of transformers makes; None for another one."""
    names = [str(name) for name in architectures] if isinstance(architectures, list) else []
    return next((kind for pattern, kind in NETWORKS if any(pattern.fullmatch(name) for name in names)), None)


_FAMILY_BY_CLASS = (
    ("Flux2", "flux2"),
    ("Flux", "flux"),
    ("SD3", "sd3"),
    ("Qwen", "qwen-image"),
    ("Sana", "sana"),
    ("ZImage", "z-image"),
)


def _family_of_class(class_name: str) -> str:
    return next((family for mark, family in _FAMILY_BY_CLASS if class_name.startswith(mark)), "")


def _unusable(name: str, adapter_type: AdapterType, path: Path, reason: str) -> CataloguedAdapter:
    info = AdapterInfo(id=name, type=adapter_type, title=name, unusable=reason)
    return CataloguedAdapter(info, AdapterSource(name, adapter_type, str(path)))


def triggers_of(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The words that an adapter answers to: what its maker says, else its training captions' commonest tags."""
    said = metadata.get("modelspec.trigger_phrase") or metadata.get("ss_trigger_words") or ""
    if said.strip():
        return tuple(word.strip()[:256] for word in said.split(",") if word.strip())[:MAX_TRIGGERS]
    try:
        counts = json.loads(metadata.get("ss_tag_frequency", "{}"))
        total: dict[str, int] = {}
        for tags in counts.values():
            for tag, count in tags.items():
                total[tag.strip()] = total.get(tag.strip(), 0) + int(count)
    except (ValueError, TypeError, AttributeError):
        return ()
    if not total:
        return ()
    most = max(total.values())
    # What stands in nearly every caption is what the adapter was taught to answer to; the rest describes pictures.
    common = [tag for tag, count in sorted(total.items(), key=lambda each: -each[1]) if tag and count >= 0.8 * most]
    return tuple(tag[:256] for tag in common[:MAX_TRIGGERS])


def named_adapters(task: Generation) -> tuple[NamedAdapter, ...]:
    """Every place of a task that names an adapter."""
    found = [NamedAdapter(use.name, ("lora",), f"task.loras[{n}].name") for n, use in enumerate(task.loras)]
    found += [
        NamedAdapter(control.adapter, CONTROLS, f"task.controls[{n}].adapter")
        for n, control in enumerate(task.controls)
    ]
    found += [
        NamedAdapter(control.preprocess, NETWORK_TYPES, f"task.controls[{n}].preprocess")
        for n, control in enumerate(task.controls)
        if control.preprocess and control.preprocess not in PREPROCESSORS
    ]
    for field, prompt in _prompts_of(task):
        for tag in PROMPT_TAG.finditer(prompt):
            adapter_type: AdapterType = "lora" if tag[1] == "lora" else "embedding"
            found.append(NamedAdapter(tag[2].strip(), (adapter_type,), field))
    return tuple(found)


def _prompts_of(task: Generation) -> Iterator[tuple[str, str]]:
    """Every prompt of a task, with its field."""
    places: list[tuple[str, Generation | Region]] = [("task", task)]
    places += [(f"task.regions[{number}]", region) for number, region in enumerate(task.regions)]
    for place, prompts in places:
        yield f"{place}.prompt", prompts.prompt
        yield f"{place}.negative_prompt", prompts.negative_prompt


def sources_for(task: Generation, known: Sequence[CataloguedAdapter]) -> tuple[AdapterSource, ...]:
    """Where the engine finds every adapter that a task names, each once.

    Raises:
        BridgeError: `unknown_adapter`, with names that are nearly the same, or `model_unusable` with the reason.
    """
    found: dict[tuple[str, str], AdapterSource] = {}
    for named in named_adapters(task):
        fitting = [adapter for adapter in known if adapter.info.type in named.types]
        adapter = next((each for each in fitting if each.info.id == named.name), None) or _first(fitting, named.name)
        if adapter is None:
            raise _unknown(named, fitting, known)
        if adapter.info.unusable:
            raise BridgeError(
                ErrorCode.MODEL_UNUSABLE,
                f"The {adapter.info.type} {named.name} cannot be used: {adapter.info.unusable}",
                field=named.field,
            )
        found.setdefault((adapter.source.type, adapter.source.id), adapter.source)
    for other in _helpers(task, {adapter_type for adapter_type, _ in found}, known):
        found.setdefault((other.source.type, other.source.id), other.source)
    return tuple(found.values())


def _helpers(task: Generation, used: set[str], known: Sequence[CataloguedAdapter]) -> Iterator[CataloguedAdapter]:
    """What makes the guiding pictures of a task better and that no task names: persons for poses, depth for normals."""
    normals = any(control.preprocess == "normal" for control in task.controls)
    wanted = (("detection", "pose" in used), ("depth", normals and "depth" not in used))
    found = (_first(known, name) for name, useful in wanted if useful)
    return (adapter for adapter in found if adapter is not None)


def _first(known: Iterable[CataloguedAdapter], adapter_type: str) -> CataloguedAdapter | None:
    """The first usable adapter of a type that is asked for by what it makes."""
    types = (*ESTIMATED, "detection")
    fitting = (each for each in known if each.info.type == adapter_type in types and not each.info.unusable)
    return next(fitting, None)


def _unknown(
    named: NamedAdapter, fitting: Iterable[CataloguedAdapter], known: Iterable[CataloguedAdapter]
) -> BridgeError:
    if named.name in TO_GET and named.types == NETWORK_TYPES:
        return BridgeError(
            ErrorCode.UNKNOWN_ADAPTER,
            f"There is no model here that makes {named.name} pictures of ordinary ones.",
            hint=f"Put {TO_GET[named.name]} into the subfolder `preprocessors` of a models folder, or give the "
            "finished picture and leave `preprocess` empty.",
            field=named.field,
        )
    wanted = " or ".join(named.types)
    other = next((each.info.type for each in known if each.info.id == named.name), "")
    near = difflib.get_close_matches(named.name, [each.info.id for each in fitting], n=3, cutoff=0.5)
    return BridgeError(
        ErrorCode.UNKNOWN_ADAPTER,
        f"{named.name} is no {wanted} but of type {other}." if other else f"There is no {wanted} {named.name!r}.",
        hint=f"Did you mean {' or '.join(near)}?" if near else "`latent-bridge models` lists those there are.",
        field=named.field,
    )
