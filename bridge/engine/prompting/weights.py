"""Weights and adapters in a prompt: brackets become spans of text with weights, tags become LoRAs to apply."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.protocol.tasks import LoraUse

MORE = 1.1
"""What one pair of round brackets multiplies by, and one pair of square brackets divides by."""
LIMIT = 10.0
"""Weights beyond this are held to it; a picture is long destroyed by then."""

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_LEXER = re.compile(
    r"(?P<escaped>\\[\\()\[\]{}|<>:])"
    rf"|<lora:(?P<lora>[^:<>]+)(?::(?P<amount>{_NUMBER}))?>[ \t]*"
    r"|(?P<embedding><embedding:(?P<name>[^:<>]+)>)"
    rf"|(?P<weight>:\s*(?P<value>{_NUMBER})\s*(?=\)))"
    r"|(?P<bracket>[()\[\]])"
    r"|(?P<text>[^\\()\[\]<:]+|.)",
    re.DOTALL,
)
_OPENER: Mapping[str, str] = {")": "(", "]": "["}
_LORA_LIMIT = 4.0


@dataclass(frozen=True)
class Span:
    """Text, and how much it matters; 1 is as usual."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class WeightedText:
    """What a prompt without choices says.

    Attributes:
        spans: the text in pieces; neighbours differ in weight, and none is empty.
        loras: LoRAs to apply, in order; one may be named more than once.
        embeddings: names of textual inversions, whose tags `<embedding:name>` stay in the text as tokens of their own.
    """

    spans: tuple[Span, ...]
    loras: tuple[LoraUse, ...]
    embeddings: tuple[str, ...]


def parse_weights(prompt: str) -> WeightedText:
    """Read brackets, tags and escapes. Never fails: what is not well-formed is text.

    `(a)` is `(a:1.1)`, `[a]` is `(a:0.909)`, `(a:1.3)` says its weight; nested weights multiply. A backslash in
    front of a bracket, or of anything else with a meaning, takes its meaning away.
    """
    tokens = list(_tokens(prompt))
    partners = _partners(tokens)
    factors = {
        partners[number]: token.value
        for number, token in enumerate(tokens)
        if token.kind == "weight" and number in partners
    }
    spans: list[Span] = []
    loras: list[LoraUse] = []
    embeddings: list[str] = []
    weights = [1.0]
    for number, token in enumerate(tokens):
        if token.kind == "lora":
            loras.append(LoraUse(token.text, _held(token.value, _LORA_LIMIT)))
        elif number not in partners:
            spans.append(Span(token.text, weights[-1]))
            embeddings.extend(token.names)
        elif token.kind == "bracket" and number < partners[number]:
            usual = MORE if token.text == "(" else 1 / MORE
            weights.append(_held(weights[-1] * factors.get(number, usual), LIMIT))
        elif token.kind == "bracket":
            weights.pop()
    return WeightedText(tuple(_merged(spans)), tuple(loras), tuple(dict.fromkeys(embeddings)))


@dataclass(frozen=True)
class _Token:
    """A piece of a prompt.

    Attributes:
        text: what it is as text; the name of a LoRA.
        value: the weight that it says.
        names: the textual inversion that it is.
    """

    kind: Literal["text", "bracket", "weight", "lora"]
    text: str
    value: float = 1.0
    names: tuple[str, ...] = ()


def _tokens(prompt: str) -> Iterator[_Token]:
    for found in _LEXER.finditer(prompt):
        if found["escaped"]:
            yield _Token("text", found["escaped"][1])
        elif found["lora"]:
            yield _Token("lora", found["lora"], float(found["amount"] or 1))
        elif found["embedding"]:
            yield _Token("text", found["embedding"], names=(found["name"],))
        elif found["weight"]:
            yield _Token("weight", found["weight"], float(found["value"]))
        elif found["bracket"]:
            yield _Token("bracket", found["bracket"])
        else:
            yield _Token("text", found["text"])


def _partners(tokens: Sequence[_Token]) -> dict[int, int]:
    """Numbers of the brackets that have a partner, with it, both ways; and of the weights, with their opener.

    A closing bracket takes the nearest opener of its kind that is still open; those between stay alone.
    """
    partners: dict[int, int] = {}
    still_open: list[int] = []
    for number, token in enumerate(tokens):
        if token.kind != "bracket":
            continue
        wanted = _OPENER.get(token.text)
        if wanted is None:
            still_open.append(number)
        elif any(tokens[opener].text == wanted for opener in still_open):
            while tokens[opener := still_open.pop()].text != wanted:
                pass
            partners[opener], partners[number] = number, opener
            if tokens[number - 1].kind == "weight" and number - 1 > opener + 1:
                partners[number - 1] = opener
    return partners


def _merged(spans: Sequence[Span]) -> Iterator[Span]:
    filled = (span for span in spans if span.text)
    for weight, group in itertools.groupby(filled, key=lambda span: span.weight):
        yield Span("".join(span.text for span in group), weight)


def _held(value: float, limit: float) -> float:
    return max(-limit, min(limit, value))
