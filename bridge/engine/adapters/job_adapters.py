"""All that a job adds to its model, put on for an image and taken off after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bridge.engine.models.loading import LoadedModel
from bridge.engine.plan import Plan
from bridge.engine.prompting.image_prompts import ImagePrompts
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.tasks import Generation, LoraUse

from .embeddings import JobEmbeddings
from .guidance import Guided, JobGuidance
from .job_loras import JobLoras


@dataclass(frozen=True)
class JobAdapters:
    """The LoRAs, embeddings and controls of a job."""

    asked: tuple[LoraUse, ...]
    loras: JobLoras
    embeddings: JobEmbeddings
    guidance: JobGuidance

    @classmethod
    def of(cls, task: Generation, sources: Sequence[AdapterSource], model: LoadedModel) -> JobAdapters:
        """Those that a task names, outside its prompts and within; `sources` tells where they are."""
        known = tuple(sources)
        return cls(
            task.loras,
            JobLoras(model, known),
            JobEmbeddings(model, known),
            JobGuidance(model, task.controls, known),
        )

    @contextmanager
    def acting(self, plan: Plan, prompts: ImagePrompts) -> Iterator[Guided]:
        """The pipeline for a plan with the LoRAs and words that the job and these prompts ask for, while the context
        lasts, and with the guides that are to be attached to it.

        Raises:
            BridgeError: something is not there, cannot be read or does not fit the model.
        """
        with (
            self.loras.applied(self._loras(prompts)),
            self.embeddings.known(prompts.embeddings),
        ):
            yield self.guidance.prepared(plan)

    def recipe(self, prompts: ImagePrompts) -> list[dict[str, object]]:
        """What the recipe of an image says of them."""
        return [
            *self.loras.recipe(self._loras(prompts)),
            *self.embeddings.recipe(prompts.embeddings),
            *self.guidance.recipe(),
        ]

    def _loras(self, prompts: ImagePrompts) -> tuple[LoraUse, ...]:
        return (*self.asked, *prompts.loras)
