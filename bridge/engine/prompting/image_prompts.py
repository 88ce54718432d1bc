"""What the prompts of a job say for one image."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol.tasks import LoraUse

from .resolve import ResolvedPrompt, resolve_prompt


@dataclass(frozen=True)
class ImagePrompts:
    """The two prompts of one image."""

    positive: ResolvedPrompt
    negative: ResolvedPrompt

    @classmethod
    def of(cls, prompt: str, negative_prompt: str, seed: int) -> ImagePrompts:
        """Both, resolved by the image's seed."""
        return cls(resolve_prompt(prompt, seed), resolve_prompt(negative_prompt, seed))

    @property
    def both(self) -> tuple[ResolvedPrompt, ResolvedPrompt]:
        """The prompt and the negative prompt."""
        return self.positive, self.negative

    @property
    def loras(self) -> tuple[LoraUse, ...]:
        """LoRAs that tags ask for, wherever they stand."""
        return self.positive.loras + self.negative.loras

    @property
    def embeddings(self) -> tuple[str, ...]:
        """Textual inversions that are named, wherever they stand."""
        return tuple(dict.fromkeys(self.positive.embeddings + self.negative.embeddings))

    def recipe(self) -> dict[str, object]:
        """What the recipe says of them: choices made, weights and tags as written."""
        return {"positive": self.positive.prompt, "negative": self.negative.prompt}
