"""Prompts for models that read with other encoders than CLIP, which take plain text up to a length."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.protocol.errors import BridgeError, ErrorCode

from .image_prompts import ImagePrompts
from .resolve import ResolvedPrompt

LONGEST: Mapping[str, int] = {"StableDiffusion3": 512, "Chroma": 512}
"""Pipelines, by the beginning of their names, that read more tokens than they do by default, and how many."""

_SHOWN = 80
_UNLIMITED = 10**6


@dataclass(frozen=True)
class Reader:
    """The encoder of a pipeline that reads furthest.

    Attributes:
        tokenizer: what cuts text into its tokens.
        usual: tokens that it reads unless told otherwise, its own special ones included; None when nobody knows.
        longest: tokens that it can be told to read.
        special: special tokens among them.
    """

    tokenizer: Any
    usual: int | None
    longest: int | None
    special: int


@dataclass(frozen=True)
class PlainText:
    """How a pipeline is given prompts as plain text.

    Attributes:
        reader: its encoder that reads furthest; None when it has none that we know.
    """

    reader: Reader | None

    def size(self, prompts: ImagePrompts) -> int:
        """Tokens that the pipeline is told to read, 0 for its own choice; only images of the same size may be painted
        together.
        """
        reader = self.reader
        if reader is None or reader.usual is None or reader.longest is None or reader.longest <= reader.usual:
            return 0
        needed = max(len(_numbers(reader, prompt)) for prompt in prompts.both) + reader.special
        return reader.longest if needed > reader.usual else 0

    def shortcomings(self, prompts: ImagePrompts) -> Sequence[BridgeError]:
        """What of a prompt the model does not heed: weights, and text beyond its length."""
        fields = zip(("task.prompt", "task.negative_prompt"), prompts.both, strict=True)
        found = [self._shortcomings(field, prompt) for field, prompt in fields]
        return [each for of_prompt in found for each in of_prompt]

    def arguments(self, prompts: Sequence[ImagePrompts]) -> dict[str, Any]:
        """What the pipeline is called with."""
        size = max(self.size(each) for each in prompts)
        return plain_arguments(prompts) | ({"max_sequence_length": size} if size else {})

    def _shortcomings(self, field: str, prompt: ResolvedPrompt) -> list[BridgeError]:
        found = []
        if prompt.is_weighted:
            found.append(
                BridgeError(
                    ErrorCode.TASK_UNSUPPORTED,
                    "Weights in prompts have no effect on this model; it was given the words alone.",
                    hint="Say in words what matters, or take a Stable Diffusion 1, 2 or XL model.",
                    field=field,
                )
            )
        lost = self._lost(prompt)
        if lost:
            shown = lost if len(lost) <= _SHOWN else f"{lost[:_SHOWN]}…"
            found.append(
                BridgeError(
                    ErrorCode.INVALID_FIELD,
                    f"The prompt is longer than this model reads. Left out: {shown}",
                    hint="Shorten it, or put what matters first.",
                    field=field,
                )
            )
        return found

    def _lost(self, prompt: ResolvedPrompt) -> str:
        if self.reader is None or self.reader.longest is None:
            return ""
        lost = _numbers(self.reader, prompt)[self.reader.longest - self.reader.special :]
        return str(self.reader.tokenizer.decode(lost)).strip() if lost else ""


def plain_arguments(prompts: Sequence[ImagePrompts]) -> dict[str, Any]:
    """The words alone, for the pipeline to read."""
    return {
        "prompt": [each.positive.text for each in prompts],
        "negative_prompt": [each.negative.text for each in prompts],
    }


def furthest_reader(pipe: Any, clip: frozenset[str]) -> Reader | None:
    """The encoder of a pipeline that reads furthest.

    Args:
        clip: names of encoder classes that read no further than their positions go.
    """
    readers = [_reader(pipe, suffix, clip) for suffix in ("", "_2", "_3", "_4")]
    return max(
        (reader for reader in readers if reader is not None),
        key=lambda reader: _UNLIMITED if reader.longest is None else reader.longest,
        default=None,
    )


def _reader(pipe: Any, suffix: str, clip: frozenset[str]) -> Reader | None:
    tokenizer, encoder = getattr(pipe, f"tokenizer{suffix}", None), getattr(pipe, f"text_encoder{suffix}", None)
    tokenizer = getattr(tokenizer, "tokenizer", tokenizer)  # Some read with a processor of text and pictures.
    if tokenizer is None or encoder is None or not hasattr(tokenizer, "num_special_tokens_to_add"):
        return None
    special = int(tokenizer.num_special_tokens_to_add())
    if type(encoder).__name__ in clip:
        length = min(tokenizer.model_max_length, encoder.config.max_position_embeddings)
        return Reader(tokenizer, length, length, special)
    told = inspect.signature(pipe.__call__).parameters.get("max_sequence_length")
    usual = told.default if told is not None else tokenizer.model_max_length
    if not isinstance(usual, int) or usual >= _UNLIMITED:
        return Reader(tokenizer, None, None, special)
    longest = next((most for name, most in LONGEST.items() if type(pipe).__name__.startswith(name)), usual)
    return Reader(tokenizer, usual, max(usual, longest), special)


def _numbers(reader: Reader, prompt: ResolvedPrompt) -> list[int]:
    found: list[int] = reader.tokenizer(prompt.text, add_special_tokens=False, verbose=False).input_ids
    return found
