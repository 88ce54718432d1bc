"""The prompts of a job, image by image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bridge.protocol.errors import BridgeError
from bridge.protocol.tasks import Generation

from .image_prompts import ImagePrompts
from .reading import Reading


@dataclass(frozen=True)
class JobPrompts:
    """What the prompts of a job say for each image, and which images can be painted together.

    Attributes:
        task: the job's; its seed is set.
        reading: how the model reads.
        notice: tells the user; called once for each thing that the model does not heed.
    """

    task: Generation
    reading: Reading
    notice: Callable[[BridgeError], None]
    _told: set[str] = field(default_factory=set)

    def of(self, index: int) -> ImagePrompts:
        """The prompts of image number `index`, whose seed is the job's plus `index`."""
        task = self.task
        return ImagePrompts.of(task.prompt, task.negative_prompt, (task.seed or 0) + index, task.regions)

    def together(self, index: int, count: int) -> Sequence[ImagePrompts]:
        """The prompts of image `index` and of up to `count` in all that can be painted together with it.

        Wildcards may give them different LoRAs or texts of different length, which only work one after the other.
        """
        first, *others = (self.of(index + offset) for offset in range(count))
        batch = [first]
        for other in others:
            if self._kind(other) != self._kind(first):
                break
            batch.append(other)
        for prompts in batch:
            self._tell(self.reading.shortcomings(prompts))
            for number, region in enumerate(prompts.regions):
                self._tell([_of_region(number, each) for each in self.reading.shortcomings(region)])
        return batch

    def _kind(self, prompts: ImagePrompts) -> object:
        sizes = [self.reading.size(each) for each in (prompts, *prompts.regions)]
        return prompts.loras, prompts.embeddings, sizes

    def _tell(self, shortcomings: Sequence[BridgeError]) -> None:
        for shortcoming in shortcomings:
            said = f"{shortcoming.field} {shortcoming.message}"
            if said not in self._told:
                self._told.add(said)
                self.notice(shortcoming)


def _of_region(number: int, shortcoming: BridgeError) -> BridgeError:
    field = f"task.regions[{number}].{shortcoming.field.rpartition('.')[2]}"
    return BridgeError(shortcoming.code, shortcoming.message, hint=shortcoming.hint, field=field)
