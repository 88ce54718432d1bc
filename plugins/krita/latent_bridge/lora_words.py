# SPDX-License-Identifier: GPL-3.0-or-later
"""LoRAs in the prompt, `<lora:name:weight>`: which one is being typed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_OPENING = "<lora:"
_TYPED = re.compile(r"<(?:(?P<part>[a-z]*)|lora:(?P<name>[^:<>\n]*))$", re.IGNORECASE)


@dataclass(frozen=True)
class Typed:
    """A LoRA that is being typed: it begins at the character `start`, and `name` is what there is of its name."""

    start: int
    name: str


def typed_lora(text: str, cursor: int) -> Typed | None:
    """The LoRA at the cursor, whose weight has not been begun; None when nothing there looks like one."""
    match = _TYPED.search(text[:cursor])
    if match is None:
        return None
    name = match["name"]
    if name is None:
        return Typed(match.start(), "") if _OPENING.startswith(f"<{match['part'].lower()}") else None
    return Typed(match.start(), name)


def matching(typed: Typed, names: Iterable[str]) -> list[str]:
    """Names with what was typed in them; those that begin with it come first, each group in its own order."""
    wanted = typed.name.lower()
    return sorted(
        (name for name in names if wanted in name.lower()), key=lambda name: not name.lower().startswith(wanted)
    )


def word_of(name: str) -> str:
    """What is written for a LoRA at its usual weight."""
    return f"{_OPENING}{name}:1>"
