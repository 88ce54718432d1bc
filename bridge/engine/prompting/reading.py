"""How a pipeline reads prompts."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

from bridge.protocol.errors import BridgeError

from .clip_text import CLIP, ClipReader, ClipText
from .image_prompts import ImagePrompts
from .plain_text import PlainText, furthest_reader


class Reading(Protocol):
    """How a pipeline is given its prompts."""

    def size(self, prompts: ImagePrompts) -> int:
        """How much room an image's prompts take; only images of the same size may be painted together."""

    def shortcomings(self, prompts: ImagePrompts) -> Sequence[BridgeError]:
        """What of the prompts the model does not heed, to be told."""

    def arguments(self, prompts: Sequence[ImagePrompts]) -> dict[str, Any]:
        """What the pipeline is called with, for as many images."""


def reading_of(pipe: Any) -> Reading:
    """How this pipeline reads."""
    encoders = [
        (getattr(pipe, f"tokenizer{suffix}", None), getattr(pipe, f"text_encoder{suffix}", None))
        for suffix in ("", "_2", "_3", "_4")
    ]
    present = [(tokenizer, encoder) for tokenizer, encoder in encoders if encoder is not None]
    known = inspect.signature(pipe.__call__).parameters
    # A U-Net attends to any number of tokens; what else reads with CLIP may take the embeddings otherwise.
    clip_alone = bool(present) and all(type(encoder).__name__ in CLIP for _, encoder in present)
    if clip_alone and hasattr(pipe, "unet") and "prompt_embeds" in known:
        readers = tuple(ClipReader(pipe, tokenizer, encoder) for tokenizer, encoder in present)
        return ClipText(pipe, readers, "pooled_prompt_embeds" in known)
    return PlainText(furthest_reader(pipe, CLIP))
