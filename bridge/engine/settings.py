"""What a job asks of a pipeline, with nothing left open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bridge.protocol.tasks import Generation

from .models.loading import LoadedModel
from .prompting.image_prompts import ImagePrompts


@dataclass(frozen=True)
class Settings:
    """Settings of one or more images that are painted together.

    Attributes:
        steps: denoising steps.
        guidance_scale: classifier-free guidance; 1 switches it off.
        scheduler: name of a scheduler; empty for the model's own.
        prompts: of the images, one each.
        texts: what a pipeline is called with for the prompts, when that is known already; else it is worked out.
    """

    steps: int
    guidance_scale: float
    scheduler: str
    prompts: tuple[ImagePrompts, ...] = ()
    texts: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, task: Generation, model: LoadedModel) -> Settings:
        """The task's own, and the model's recommendation where it says nothing."""
        return cls(
            model.source.steps if task.steps is None else task.steps,
            model.source.guidance_scale if task.guidance_scale is None else task.guidance_scale,
            task.scheduler,
        )

    def of_region(self, number: int) -> Settings:
        """With the prompts of a region instead, by its number from 0."""
        return replace(self, prompts=tuple(each.regions[number] for each in self.prompts), texts=None)

    def only(self, number: int) -> Settings:
        """For one of the images that were painted together."""
        return replace(self, prompts=self.prompts[number : number + 1])
