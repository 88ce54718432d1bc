"""The recipe of a result: everything from which it can be made again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class RecipeWriter:
    """Writes the recipes of a job's images.

    Attributes:
        task: as it was asked for.
        plan: what became of it.
        model: that painted.
        settings: with nothing left open.
        device: that computed.
    """

    task: Generation
    plan: Plan
    model: LoadedModel
    settings: Settings
    device: Device

    def recipe(
        self,
        prompts: ImagePrompts,
        seed: int,
        *,
        batched: bool,
        savings: Sequence[str],
        adapters: Sequence[Mapping[str, object]],
    ) -> dict[str, object]:
        """The recipe of one image: its task's kind and resolved `parameters` (field names of the task, pictures left
        out), what its prompts say once their choices are made, the model, its adapters, what was computed, and the
        versions involved.

        Args:
            batched: whether it was painted together with others.
            savings: what was given up for want of memory.
            adapters: what their own recipes say.
        """
        plan, model = self.plan, self.model
        return {
            "task": str(getattr(type(self.task), "kind", "")),
            "parameters": self._parameters(seed),
            "prompt": prompts.recipe(),
            "inputs": dict(plan.inputs),
            "model": {"id": model.source.id, "hash": model.fingerprint.result(), "pipeline": type(model.base).__name__},
            "adapters": [dict(adapter) for adapter in adapters],
            "computed": {"width": plan.width, "height": plan.height, "mode": plan.mode, **plan.computed},
            "batched": batched,
            "savings": list(savings),
            "device": self.device.name,
            "dtype": str(getattr(model.base, "dtype", "")).removeprefix("torch."),
            "versions": versions(),
        }

    def _parameters(self, seed: int) -> dict[str, Any]:
        asked = {
            field.name: to_plain(getattr(self.task, field.name), lambda picture: {"hash": digest_of(picture)})
            for field in dataclasses.fields(self.task)
            if not isinstance(getattr(self.task, field.name), Picture)
        }
        resolved = {
            "model": self.model.source.id,
            "seed": seed,
            "steps": self.settings.steps,
            "guidance_scale": self.settings.guidance_scale,
            "scheduler": self.settings.scheduler or type(self.model.own_scheduler).__name__,
            "images": 1,
            "batch_size": 1,
        }
        return {**asked, **resolved, **self.plan.resolved}
