"""Making the images of one job, one batch after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bridge.protocol.engine_link import LinkMessage, Produced, Run
from bridge.protocol.tasks import GenerationTask, Layer

from .adapters.job_adapters import JobAdapters
from .conversion import Floats
from .device import Device, is_out_of_memory
from .ladder import MemoryLadder
from .models.loading import LoadedModel
from .painter import Painter
from .plan import Placed, Plan
from .prompting.image_prompts import ImagePrompts
from .prompting.job_prompts import JobPrompts
from .recipe import RecipeWriter
from .settings import Settings
from .stages import Stages

T = TypeVar("T")


@dataclass(frozen=True)
class Making:
    """A job with everything that it needs: the plan, the model, and what to do when memory runs out."""

    run: Run
    task: GenerationTask
    plan: Plan
    model: LoadedModel
    settings: Settings
    prompts: JobPrompts
    stages: Stages
    ladder: MemoryLadder
    device: Device
    adapters: JobAdapters
    send: Callable[[LinkMessage], None]

    def make_all(self) -> None:
        """Make every image that is not done yet, announcing each before the next one starts.

        Raises:
            JobAborted: the job was stopped.
            BridgeError: an image cannot be made.
        """
        index = self.run.first_image
        while index < self.task.images:
            index += self._make_batch(index, min(self.task.batch_size, self.task.images - index))

    def _make_batch(self, index: int, count: int) -> int:
        """Make up to `count` images from number `index` on. Returns how many were made."""
        self.stages.image = index
        if self.plan.unchanged is not None:
            self._finish(index, self.plan.unchanged, self.prompts.of(index), batched=False)
            return 1
        pictures: Sequence[Floats] | None = None
        while pictures is None:
            batch = self.prompts.together(index, count if self.ladder.together else 1)
            pictures = or_none_without_memory(self._painting(index, batch), self.device)
            if pictures is None:
                self.stages.notice(self.ladder.climb(len(batch)))
        for offset, (picture, prompts) in enumerate(zip(pictures, batch, strict=True)):
            self.stages.image = index + offset
            self._finish(index + offset, picture, prompts, batched=len(batch) > 1)
        return len(batch)

    def _painting(self, index: int, batch: Sequence[ImagePrompts]) -> Callable[[], Sequence[Floats]]:
        seeds = [self._seed(index + offset) for offset in range(len(batch))]
        settings = replace(self.settings, prompts=tuple(batch))
        regions = self.task.regions
        painter = Painter(self.model, settings, seeds, self.stages, self.run.preview_side, regions)

        def work() -> Sequence[Floats]:
            with self.adapters.acting(self.plan, batch[0]) as guided:
                return painter.paint(self.plan, guided)

        return work

    def _finish(self, index: int, picture: Floats | Placed, prompts: ImagePrompts, *, batched: bool) -> None:
        self.stages.enter("finishing")
        placed = picture if isinstance(picture, Placed) else self.plan.finish(picture)
        seed = self._seed(index)
        writer = RecipeWriter(self.task, self.plan, self.model, self.settings, self.device)
        savings, adapters = self.ladder.savings, self.adapters.recipe(prompts)
        recipe = writer.recipe(prompts, seed, batched=batched, savings=savings, adapters=adapters)
        layer = Layer(picture=placed.picture, x=placed.x, y=placed.y, seed=seed, recipe=recipe)
        self.send(Produced(job_id=self.run.job_id, index=index, layer=layer))

    def _seed(self, index: int) -> int:
        return (self.task.seed or 0) + index


def or_none_without_memory(work: Callable[[], T], device: Device) -> T | None:
    """What `work` returns, or None when memory ran out; by then its frames and what they held are gone."""
    try:
        return work()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        print(f"engine: out of memory: {error}", file=sys.stderr, flush=True)
    device.free_caches()
    return None
