"""From a prompt as the user wrote it to what it says for one image."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol.tasks import LoraUse

from .choices import choose_options
from .weights import Span, parse_weights


@dataclass(frozen=True)
class ResolvedPrompt:
    """What a prompt says for one seed.

    Attributes:
        prompt: the prompt with its choices made, and weights and tags as written; resolving it again, with any seed,
            gives the same.
        spans: its text in pieces; neighbours differ in weight, and none is empty.
        loras: LoRAs that its tags ask for, in order; one may be named more than once.
        embeddings: textual inversions that it names; their tags `<embedding:name>` stay in the text.
    """

    prompt: str
    spans: tuple[Span, ...]
    loras: tuple[LoraUse, ...] = ()
    embeddings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The words alone."""
        return "".join(span.text for span in self.spans)

    @property
    def is_weighted(self) -> bool:
        """Whether some of it matters more or less than usual."""
        return any(span.weight != 1 for span in self.spans)


def resolve_prompt(prompt: str, seed: int) -> ResolvedPrompt:
    """Make the choices by `seed`, read weights and tags. Never fails: what is not well-formed is text."""
    chosen = choose_options(prompt, seed)
    said = parse_weights(chosen)
    return ResolvedPrompt(chosen, said.spans, said.loras, said.embeddings)
