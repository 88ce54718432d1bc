"""Checkpoints in single files: what each is, told from its header, and which folder it takes the rest from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.protocol.errors import BridgeError
from bridge.protocol.families import FAMILIES, Family, as_mask_model
from bridge.protocol.model_layout import PICKLES
from bridge.protocol.weights_header import PICKLE_REASON, SUFFIX, read_header

from .adapters import ADAPTER_TYPES, CataloguedAdapter, adapter_of
from .catalogued import CataloguedModel, catalogued, unusable
from .weights_kind import WeightsKind, kind_of_weights

SUBFOLDERS = frozenset({"checkpoints", "stable-diffusion", "diffusion_models", "unet"})
"""Subfolders of a models folder in which files are looked for too, as other programs name them."""


@dataclass(frozen=True)
class WeightsFile:
    """A file of weights that was looked at.

    Attributes:
        path: where it lies.
        kind: what it is; None when it cannot be used.
        reason: why it cannot.
        adapter: the adapter, if it is one.
    """

    path: Path
    kind: WeightsKind | None
    reason: str = ""
    adapter: CataloguedAdapter | None = None


def find_files(folder: Path) -> Iterator[WeightsFile]:
    """Files of weights in a models folder."""
    children = sorted(folder.iterdir()) if folder.is_dir() else []
    for child in children:
        if child.is_file() and child.suffix in (SUFFIX, *PICKLES):
            yield look_at(child)
        elif child.is_dir() and child.name.lower() in SUBFOLDERS:
            for path in sorted(child.rglob("*")):
                if path.is_file() and path.suffix in (SUFFIX, *PICKLES):
                    yield look_at(path)


def look_at(path: Path) -> WeightsFile:
    """What a file of weights is. Reads the header alone."""
    if path.suffix in PICKLES:
        return WeightsFile(path, None, PICKLE_REASON)
    try:
        header = read_header(path)
    except BridgeError as error:
        return WeightsFile(path, None, error.message)
    kind = kind_of_weights(header)
    if kind.kind in ADAPTER_TYPES:
        return WeightsFile(path, kind, adapter=adapter_of(path, header, kind, "lora"))
    return WeightsFile(path, kind)


def model_of(file: WeightsFile, folders: Iterable[CataloguedModel]) -> CataloguedModel:
    """The model in a file, with a folder of its family for what it lacks. One that cannot be used says why."""
    name, path, kind = file.path.stem, file.path, file.kind
    if kind is None:
        return unusable(name, path, file.reason)
    if kind.kind not in ("checkpoint", "denoiser"):
        what = (
            "its names are those of no known model" if kind.kind == "unknown" else f"it is a {kind.kind}, not a model"
        )
        return unusable(name, path, f"{what}.")
    family = _family_of(kind)
    if family is None:
        return unusable(name, path, "it belongs to no family of models that this program knows.")
    reference = next((folder for folder in folders if _fits(folder, family, kind)), None)
    if reference is None:
        return unusable(name, path, _what_to_do(family, kind))
    model = catalogued(
        name, path, family, native_size=reference.info.native_size, size_multiple=reference.info.size_multiple
    )
    return replace(model, source=replace(model.source, base=reference.source.location))


def _family_of(kind: WeightsKind) -> Family | None:
    family = FAMILIES.get(kind.family)
    if family is not None and kind.inpaint:
        return FAMILIES["flux-fill"] if family.name == "flux" else as_mask_model(family)
    return family


def _what_to_do(family: Family, kind: WeightsKind) -> str:
    """Why a file cannot be used alone, and what helps."""
    beside = f"put a {family.title} model in the diffusers layout beside it, from which they are taken"
    if kind.kind == "checkpoint" and family.settings_from and not family.mask_model:
        fetch = f"`latent-bridge pull {family.settings_from} --settings` fetches them (a few MB)"
        return f"it has no tokenizer or configuration of its own; {fetch}, or {beside}."
    return f"it has no tokenizer or configuration of its own; {beside}."


def _fits(folder: CataloguedModel, family: Family, kind: WeightsKind) -> bool:
    # A denoiser alone takes also the weights of the other parts from there.
    enough = not folder.info.unusable or (folder.settings_only and kind.kind == "checkpoint")
    whole = enough and not folder.hub_id and not folder.source.base
    return whole and folder.info.family == family.name and folder.info.tasks == family.tasks
