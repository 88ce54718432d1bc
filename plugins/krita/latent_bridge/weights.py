# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing how much a part of a prompt counts: `(words:1.2)`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

STEP = 0.1
LEAST, MOST = 0.1, 3.0
_WEIGHTED = re.compile(r"\(([^()]*):(-?\d+(?:\.\d+)?)\)")
_EDGES = " \t\n,.;()|{}"


@dataclass(frozen=True)
class Marked:
    """A text with a marked part, as an editor has it; `start` and `end` count characters."""

    text: str
    start: int
    end: int


def shifted(marked: Marked, direction: int) -> Marked:
    """The text with the marked part, or the word at the cursor, weighted one step more (1) or less (-1).

    A part that already has a weight gets another; at 1 the parentheses go. The part stays marked, so that the next
    step acts on it too.
    """
    start, end, words, weight = _found(marked)
    if not words.strip():
        return marked
    weight = round(min(max(weight + direction * STEP, LEAST), MOST), 2)
    new = words if weight == 1 else f"({words}:{weight:g})"
    return Marked(marked.text[:start] + new + marked.text[end:], start, start + len(new))


def _found(marked: Marked) -> tuple[int, int, str, float]:
    """Where the part lies, its words, and its weight."""
    for match in _WEIGHTED.finditer(marked.text):
        if match.start() <= marked.start and marked.end <= match.end():
            return match.start(), match.end(), match[1], float(match[2])
    start, end = marked.start, marked.end
    if start == end:
        while start > 0 and marked.text[start - 1] not in _EDGES:
            start -= 1
        while end < len(marked.text) and marked.text[end] not in _EDGES:
            end += 1
    while start < end and marked.text[start] in " \t\n":
        start += 1
    while end > start and marked.text[end - 1] in " \t\n":
        end -= 1
    return start, end, marked.text[start:end], 1.0
