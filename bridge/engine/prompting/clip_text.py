"""Prompts for models that read with CLIP alone: weighted, and of any length.

CLIP reads 75 tokens between a begin and an end. Longer text is read in chunks whose embeddings follow one another,
and a weight multiplies the embeddings of its tokens; both are what the common user interfaces do, so that their
prompts mean the same here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from bridge.protocol.errors import BridgeError

from .chunks import Token, Vocabulary, chunks_needed, in_chunks
from .image_prompts import ImagePrompts
from .plain_text import plain_arguments
from .resolve import ResolvedPrompt

CLIP = frozenset({"CLIPTextModel", "CLIPTextModelWithProjection"})


@dataclass(frozen=True)
class ClipText:
    """How a pipeline that reads with CLIP alone is given its prompts.

    Attributes:
        pipe: the pipeline.
        readers: its text encoders in order; their embeddings lie side by side.
        pooled: whether it also takes an embedding of the text as a whole, and of the others the last but one layer.
    """

    pipe: Any
    readers: tuple[ClipReader, ...]
    pooled: bool

    def size(self, prompts: ImagePrompts) -> int:
        """Chunks that an image takes; only images of the same size may be painted together."""
        return max(
            chunks_needed(len(reader.tokens(prompt)), reader.vocabulary)
            for reader in self.readers
            for prompt in prompts.both
        )

    def shortcomings(self, _: ImagePrompts) -> Sequence[BridgeError]:
        """Nothing of a prompt is lost."""
        return ()

    def arguments(self, prompts: Sequence[ImagePrompts]) -> dict[str, Any]:
        """What the pipeline is called with: the texts where it can read them itself, else their embeddings."""
        size = max(self.size(each) for each in prompts)
        if size == 1 and not any(prompt.is_weighted for each in prompts for prompt in each.both):
            return plain_arguments(prompts)
        positive, positive_pooled = self._embeddings([each.positive for each in prompts], size)
        negative, negative_pooled = self._embeddings([each.negative for each in prompts], size)
        arguments: dict[str, Any] = {"prompt_embeds": positive, "negative_prompt_embeds": negative}
        if self.pooled:
            arguments["pooled_prompt_embeds"] = positive_pooled
            arguments["negative_pooled_prompt_embeds"] = negative_pooled
        return arguments

    def _embeddings(self, prompts: Sequence[ResolvedPrompt], size: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Embeddings (n, size × length, width) and pooled ones (n, width) of n prompts in so many chunks."""
        device = self.pipe._execution_device
        made: dict[ResolvedPrompt, tuple[torch.Tensor, torch.Tensor | None]] = {}
        for prompt in prompts:
            if prompt not in made:
                made[prompt] = self._embedding(prompt, size, device)
        texts = torch.cat([made[prompt][0] for prompt in prompts])
        wholes = [whole for prompt in prompts if (whole := made[prompt][1]) is not None]
        return texts, torch.cat(wholes) if wholes else None

    def _embedding(
        self, prompt: ResolvedPrompt, size: int, device: torch.device
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        read = [reader.read(prompt, size, device, last_but_one=self.pooled) for reader in self.readers]
        wholes = [whole for _, whole in read if whole is not None]
        dtype = self.readers[-1].encoder.dtype
        text = torch.cat([text for text, _ in read], dim=-1).to(device=device, dtype=dtype)
        return text, wholes[0].to(device) if wholes else None


@dataclass(frozen=True)
class ClipReader:
    """A CLIP text encoder with its tokenizer, in a pipeline that may know how to write embeddings as tokens."""

    pipe: Any
    tokenizer: Any
    encoder: Any

    @property
    def vocabulary(self) -> Vocabulary:
        """Its special tokens, and how many tokens it reads at once."""
        known = self.tokenizer
        length = min(known.model_max_length, self.encoder.config.max_position_embeddings)
        return Vocabulary(known.bos_token_id, known.eos_token_id, known.pad_token_id, length)

    def tokens(self, prompt: ResolvedPrompt) -> list[Token]:
        """The tokens of a prompt, without a frame."""
        found: list[Token] = []
        for span in prompt.spans:
            convert = getattr(self.pipe, "maybe_convert_prompt", None)
            text = span.text if convert is None else convert(span.text, self.tokenizer)
            numbers = self.tokenizer(text, add_special_tokens=False, verbose=False).input_ids
            found.extend(Token(number, span.weight) for number in numbers)
        return found

    def read(
        self, prompt: ResolvedPrompt, size: int, device: torch.device, *, last_but_one: bool
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Embeddings (1, size × length, width) of a prompt in `size` chunks, and the pooled one (1, width), if any.

        Pooled is the first chunk alone: the whole picture is about what is named first.
        """
        rows = in_chunks(self.tokens(prompt), self.vocabulary, size)
        numbers = torch.tensor([[token.number for token in row] for row in rows], device=device)
        weights = torch.tensor([[token.weight for token in row] for row in rows], device=device)
        mask = None
        if getattr(self.encoder.config, "use_attention_mask", False):
            mask = torch.tensor(
                [[int(place < _said(row, self.vocabulary)) for place in range(len(row))] for row in rows], device=device
            )
        output = self.encoder(numbers, attention_mask=mask, output_hidden_states=last_but_one)
        states = output.hidden_states[-2] if last_but_one else output[0]
        pooled = output[0][:1] if last_but_one and output[0].ndim == 2 else None
        return weighted(states, weights).reshape(1, -1, states.shape[-1]), pooled


def weighted(states: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Embeddings (chunks, length, width) times weights (chunks, length), at their former mean magnitude.

    Weights above 1 would else make the whole text louder. The magnitude takes the part of the plain mean that others
    restore: that one is next to zero in some encoders, and its ratio then anything.
    """
    if bool((weights == 1).all()):
        return states
    loud = states.float() * weights.float()[..., None]
    before, after = states.float().abs().mean(), loud.abs().mean()
    return (loud * (before / after) if after > 0 else loud).to(states.dtype)


def _said(row: Sequence[Token], vocabulary: Vocabulary) -> int:
    """Tokens of a chunk up to its end."""
    return next(place for place, token in enumerate(row) if token.number == vocabulary.end and place > 0) + 1
