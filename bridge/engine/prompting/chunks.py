"""Tokens with weights, in chunks that a CLIP text encoder can read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Vocabulary:
    """Tokens that frame a chunk, and how many tokens there are in one with its frame."""

    begin: int
    end: int
    padding: int
    length: int

    @property
    def room(self) -> int:
        """Tokens of text that fit into a chunk."""
        return self.length - 2


@dataclass(frozen=True)
class Token:
    """A token's number and its weight."""

    number: int
    weight: float = 1.0


def chunks_needed(tokens: int, vocabulary: Vocabulary) -> int:
    """How many chunks so many tokens of text take; at least one."""
    return max(1, -(-tokens // vocabulary.room))


def in_chunks(tokens: Sequence[Token], vocabulary: Vocabulary, chunks: int) -> list[list[Token]]:
    """The tokens in `chunks` rows of equal length, each framed as a text of its own; the last ones may be empty."""
    rows = []
    for first in range(0, chunks * vocabulary.room, vocabulary.room):
        text = tokens[first : first + vocabulary.room]
        padding = [Token(vocabulary.padding)] * (vocabulary.room - len(text))
        rows.append([Token(vocabulary.begin), *text, Token(vocabulary.end), *padding])
    return rows
