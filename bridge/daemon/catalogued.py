"""A model as clients see it, beside what the engine needs to find it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.protocol.engine_link import ModelSource
from bridge.protocol.families import Family, few_step_of
from bridge.protocol.messages import ModelInfo


@dataclass(frozen=True)
class CataloguedModel:
    """A model as clients see it, and where the engine finds it.

    Attributes:
        info: for clients.
        source: for the engine.
        hub_id: what to download before its first use; empty for a model that is here.
        settings_only: whether its settings alone are here, so that it cannot be used but by files of its family.
    """

    info: ModelInfo
    source: ModelSource
    hub_id: str = ""
    settings_only: bool = False


def catalogued(
    model_id: str,
    location: Path,
    family: Family,
    *,
    scheduler: Mapping[str, Any] | None = None,
    native_size: int = 0,
    size_multiple: int = 0,
    card: Mapping[str, Any] | None = None,
) -> CataloguedModel:
    """A model that can be used, with the recommendations of its card, its configuration, or its family.

    Args:
        native_size: what its configuration says, in px; 0 when it says nothing.
        size_multiple: likewise.
        card: what its `bridge.json` says.

    Raises:
        ValueError, TypeError: a card that makes no sense.
    """
    card = card or {}
    few = few_step_of(model_id.rsplit("/", 1)[-1], family, scheduler or {})
    size = few.native_size.get(family.name, 0) if few else 0
    info = ModelInfo(
        id=model_id,
        title=str(card.get("title", model_id)),
        description=str(card.get("description", family.title + (" for inpainting" if family.mask_model else ""))),
        family=family.name,
        tasks=family.tasks,
        native_size=int(card.get("native_size", native_size or size or family.native_size)),
        size_multiple=size_multiple or family.size_multiple,
        steps=int(card.get("steps", few.steps if few else family.steps)),
        guidance_scale=float(card.get("guidance_scale", few.guidance_scale if few else family.guidance_scale)),
        weights_bytes=_weights_bytes(location),
    )
    source = ModelSource(
        id=info.id,
        location=str(location),
        family=info.family,
        native_size=info.native_size,
        whole_size=int(card.get("whole_size", 0)),
        size_multiple=info.size_multiple,
        steps=info.steps,
        guidance_scale=info.guidance_scale,
    )
    return CataloguedModel(info, source)


def on_the_hub(hub_id: str, tasks: tuple[str, ...]) -> CataloguedModel:
    """A model that is not on this machine yet, so that little is known of it."""
    info = ModelInfo(
        id=hub_id,
        title=hub_id,
        description="on the hub; downloaded when it is first used, or now by `latent-bridge pull`",
        tasks=tasks,
        downloaded=False,
    )
    return CataloguedModel(info, ModelSource(id=hub_id, location=""), hub_id)


def unusable(model_id: str, path: Path, reason: str) -> CataloguedModel:
    """A model that cannot be used, and why."""
    info = ModelInfo(id=model_id, title=path.name, unusable=reason)
    return CataloguedModel(info, ModelSource(id=model_id, location=str(path)))


def _weights_bytes(location: Path) -> int:
    files = [location] if location.is_file() else location.glob("*/*.safetensors")
    return sum(file.stat().st_size for file in files)
