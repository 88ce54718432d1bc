"""Choices in a prompt: `{red|green|2::blue}` becomes one of its options, drawn by the seed."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_SHARE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)::")
_MOST = 1e6


def choose_options(prompt: str, seed: int) -> str:
    """The prompt with every choice made; the same seed makes the same ones.

    Options may hold choices themselves, and may be empty. `2::` in front makes an option twice as likely. Braces
    without `|` between them, or without a partner, are text, and so is whatever follows a backslash.

    Prompts that are resolved with one seed draw alike: choices in the same places with as many options agree, so
    that `{day|night}` fits `{dark|bright}` in the negative prompt.
    """
    draw = random.Random(seed)  # `random()` of an integer seed is the same in every version of Python.
    outer = _Group([""])
    stack = [outer]
    position = 0
    while position < len(prompt):
        character = prompt[position]
        taken = prompt[position : position + (2 if character == "\\" else 1)]
        if character == "{":
            stack.append(_Group())
        elif character == "|" and len(stack) > 1:
            stack[-1].options.append("")
        elif character == "}" and len(stack) > 1:
            closed = stack.pop()
            stack[-1].add(closed.chosen(draw))
        else:
            stack[-1].add(taken)
        position += len(taken)
    for unclosed in stack[1:]:
        outer.add("{" + "|".join(unclosed.options))
    return outer.options[0]


@dataclass
class _Group:
    """Braces that are open while the prompt is read."""

    options: list[str] = field(default_factory=lambda: [""])

    def add(self, text: str) -> None:
        self.options[-1] += text

    def chosen(self, draw: random.Random) -> str:
        if len(self.options) == 1:
            return "{" + self.options[0] + "}"
        shares, texts = zip(*(_share_of(option) for option in self.options), strict=True)
        return str(texts[_drawn(shares, draw.random())])


def _share_of(option: str) -> tuple[float, str]:
    """How likely an option is, compared with a usual one, and its text."""
    found = _SHARE.match(option)
    if found is None:
        return 1.0, option
    return min(float(found[1]), _MOST), option[found.end() :]


def _drawn(shares: Sequence[float], at: float) -> int:
    """The number of the option that `at`, from 0 to below 1, falls on."""
    if not any(shares):
        shares = [1.0] * len(shares)
    left = at * sum(shares)
    for number, share in enumerate(shares):
        left -= share
        if left < 0:
            return number
    return max(number for number, share in enumerate(shares) if share)
