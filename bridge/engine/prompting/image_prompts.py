"""What the prompts of a job say for one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.protocol.tasks import LoraUse, Region

from .resolve import ResolvedPrompt, resolve_prompt


@dataclass(frozen=True)
class ImagePrompts:
    """The two prompts of one image, and those of its regions."""

    positive: ResolvedPrompt
    negative: ResolvedPrompt
    regions: tuple[ImagePrompts, ...] = ()

    @classmethod
    def of(cls, prompt: str, negative_prompt: str, seed: int, regions: Sequence[Region] = ()) -> ImagePrompts:
        """All of them, resolved by the image's seed."""
        return cls(
            resolve_prompt(prompt, seed),
            resolve_prompt(negative_prompt, seed),
            tuple(cls.of(each.prompt, each.negative_prompt or negative_prompt, seed) for each in regions),
        )

    @property
    def both(self) -> tuple[ResolvedPrompt, ResolvedPrompt]:
        """The prompt and the negative prompt."""
        return self.positive, self.negative

    @property
    def loras(self) -> tuple[LoraUse, ...]:
        """LoRAs that tags ask for, wherever they stand. One in a region acts on all of the picture."""
        return tuple(use for prompt in self._all for use in prompt.loras)

    @property
    def embeddings(self) -> tuple[str, ...]:
        """Textual inversions that are named, wherever they stand."""
        return tuple(dict.fromkeys(name for prompt in self._all for name in prompt.embeddings))

    def recipe(self) -> dict[str, object]:
        """What the recipe says of them: choices made, weights and tags as written."""
        own: dict[str, object] = {"positive": self.positive.prompt, "negative": self.negative.prompt}
        return {**own, "regions": [region.recipe() for region in self.regions]} if self.regions else own

    @property
    def _all(self) -> tuple[ResolvedPrompt, ...]:
        # Where a region says nothing of its own, the task's prompt is not said twice.
        others = (prompt for region in self.regions for prompt in region.both if prompt not in self.both)
        return (*self.both, *dict.fromkeys(others))
