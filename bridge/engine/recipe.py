"""The recipe of a result: everything from which it can be made again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.protocol.pixels import Picture
from bridge.protocol.plain import to_plain
from bridge.protocol.tasks import Generation

from .device import Device
from .models.loading import LoadedModel
from .plan import Plan
from .prompting.image_prompts import ImagePrompts
from .recipe_inputs import digest_of
from .settings import Settings
from .versions import versions


def recipe_of(
    task: Generation,
    plan: Plan,
    model: LoadedModel,
    settings: Settings,
    prompts: ImagePrompts,
    device: Device,
    seed: int,
    batched: bool,
    savings: Sequence[str],
    adapters: Sequence[Mapping[str, object]],
) -> dict[str, object]:
    """The recipe of one image: its task's kind and resolved `parameters` (field names of the task, pictures left
    out), what its prompts say once their choices are made, the model, its adapters, what was computed, and the
    versions involved.
    """
    parameters: dict[str, Any] = {
        field.name: to_plain(getattr(task, field.name), lambda picture: {"hash": digest_of(picture)})
        for field in dataclasses.fields(task)
        if not isinstance(getattr(task, field.name), Picture)
    }
    parameters.update(
        model=model.source.id,
        seed=seed,
        steps=settings.steps,
        guidance_scale=settings.guidance_scale,
        scheduler=settings.scheduler or type(model.own_scheduler).__name__,
        images=1,
        batch_size=1,
    )
    parameters.update(plan.resolved)
    return {
        "task": str(getattr(type(task), "kind", "")),
        "parameters": parameters,
        "prompt": prompts.recipe(),
        "inputs": dict(plan.inputs),
        "model": {"id": model.source.id, "hash": model.fingerprint.result(), "pipeline": type(model.base).__name__},
        "adapters": [dict(adapter) for adapter in adapters],
        "computed": {"width": plan.width, "height": plan.height, "mode": plan.mode, **plan.computed},
        "batched": batched,
        "savings": list(savings),
        "device": device.name,
        "dtype": str(getattr(model.base, "dtype", "")).removeprefix("torch."),
        "versions": versions(),
    }
