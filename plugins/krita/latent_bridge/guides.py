# SPDX-License-Identifier: GPL-3.0-or-later
"""What guides a picture beside its prompt: layers as controls, references and regions, and LoRAs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TypeVar

from .vendored import messages

MOST_CONTROLS, MOST_LORAS, MOST_REGIONS = 8, 16, 16
"""What one task may hold."""
MOST_TRIGGERS = 3
"""How many of a LoRA's trigger words go into the prompt; some files list every word of their captions."""
REFERENCE = "ip-adapter"
GUIDING = ("controlnet", "t2i-adapter", REFERENCE)
FINISHED = "finished:"
"""Begins what `ControlEntry.preprocess` is for a finished picture of a kind, such as `finished:depth`."""


@dataclass(frozen=True)
class ControlEntry:
    """A layer that guides.

    Attributes:
        layer: Krita's id of the layer.
        name: its name when it was chosen, for people.
        adapter: id from `welcome`.
        preprocess: name from `welcome`; empty when the layer is a guiding picture already, `finished:` and a kind when
            it has to be said which: union ControlNets know several.
        strength: percent, 0 to 200.
        start, end: percent of the steps between which it guides.
    """

    layer: str = ""
    name: str = ""
    adapter: str = ""
    preprocess: str = ""
    strength: int = 100
    start: int = 0
    end: int = 100

    @property
    def shows(self) -> str | None:
        """What the finished picture shows; None where that need not be said."""
        return self.preprocess[len(FINISHED) :] if self.preprocess.startswith(FINISHED) else None


@dataclass(frozen=True)
class LoraEntry:
    """A LoRA by its id from `welcome`, and its weight in percent, -400 to 400."""

    name: str = ""
    weight: int = 100


@dataclass(frozen=True)
class RegionEntry:
    """A layer or group whose opaque part has a prompt of its own; `strength` in percent, 0 to 100."""

    layer: str = ""
    name: str = ""
    prompt: str = ""
    strength: int = 100


EntryT = TypeVar("EntryT", ControlEntry, LoraEntry, RegionEntry)
_RANGES = {"strength": (0, 200), "weight": (-400, 400), "start": (0, 100), "end": (0, 100)}


def entries_of(kind: type[EntryT], stored: object, most: int) -> tuple[EntryT, ...]:
    """Entries of stored values. What cannot be read is left out, numbers are brought into their range."""
    rows = stored if isinstance(stored, (list, tuple)) else ()
    return tuple(_entry(kind, row) for row in rows if isinstance(row, dict))[:most]


def _entry(kind: type[EntryT], row: dict[str, object]) -> EntryT:
    values = {}
    for field in fields(kind):
        value = row.get(field.name)
        if type(value) is not type(field.default):
            continue
        low, high = (0, 100) if kind is RegionEntry else _RANGES.get(field.name, (0, 0))
        values[field.name] = min(max(value, low), high) if isinstance(value, int) else value
    return kind(**values)


def fitting(
    adapters: Iterable[messages.AdapterInfo], types: tuple[str, ...], family: str
) -> list[messages.AdapterInfo]:
    """Adapters of these types that can be used with models of a family; those of unknown families may fit."""
    return [
        adapter
        for adapter in adapters
        if adapter.type in types and not adapter.unusable and (not adapter.family or adapter.family == family)
    ]


def with_triggers(prompt: str, triggers: Iterable[str]) -> str:
    """The prompt with the first of a LoRA's trigger words behind it, as far as they are not in it."""
    words = [word.strip() for word in triggers if word.strip()][:MOST_TRIGGERS]
    lacking = [word for word in words if word.lower() not in prompt.lower()]
    return ", ".join([*([prompt.rstrip(" ,\n")] if prompt.strip() else []), *lacking]) if lacking else prompt
