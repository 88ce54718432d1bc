# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of a document: which they are, and where they belong. Pure.

The pixels are the daemon's; a document remembers what is needed to ask for them again, with a thumbnail of each.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from .request import Plan

MOST_ENTRIES = 100
KEPT = ("job_id", "index", "seed", "mask", "thumbnail", "layer", "grow", "feather")


@dataclass(frozen=True)
class Entry:
    """One result of a job, or a job whose result is not known yet.

    Attributes:
        job_id: the daemon's job.
        index: which of its images.
        plan: what was asked for.
        form: values of the docker's fields at that time.
        seed: that made it; None while the job is under way.
        mask: the selection that was sent, packed; empty when there was none.
        thumbnail: a small JPEG as base64; empty when there is none.
        layer: Krita's id of the layer that shows it; empty when none does.
        grow: pixels by which its edge was moved in that layer.
        feather: pixels over which it was softened.
    """

    job_id: str
    index: int
    plan: Plan
    form: Mapping[str, object] = field(default_factory=dict)
    seed: int | None = None
    mask: str = ""
    thumbnail: str = ""
    layer: str = ""
    grow: int = 0
    feather: int = 0

    @property
    def key(self) -> tuple[str, int]:
        """What tells entries apart."""
        return self.job_id, self.index

    @property
    def prompt(self) -> str:
        """Its prompt."""
        return str(self.form.get("prompt", ""))

    @property
    def recipe_text(self) -> str:
        """Its recipe for the clipboard."""
        values = {**self.form, "mode": self.plan.mode.value, "seed": self.seed, "job": self.job_id}
        return json.dumps(values, indent=1, ensure_ascii=False)


@dataclass(frozen=True)
class History:
    """Entries of a document, in the order of its strip: newest first unless the user dragged them."""

    entries: tuple[Entry, ...] = ()

    @property
    def results(self) -> tuple[Entry, ...]:
        """Entries whose result is there."""
        return tuple(entry for entry in self.entries if entry.seed is not None)

    @property
    def missing(self) -> tuple[Entry, ...]:
        """Entries whose result has not been seen."""
        return tuple(entry for entry in self.entries if entry.seed is None)

    def find(self, key: tuple[str, int]) -> Entry | None:
        """The entry of that key."""
        return next((entry for entry in self.entries if entry.key == key), None)

    def of_layer(self, layer: str) -> Entry | None:
        """The entry that a layer shows."""
        return next((entry for entry in self.entries if layer and entry.layer == layer), None)

    def put(self, entry: Entry) -> History:
        """With an entry in place of the one of its key, or before all others. The oldest beyond the limit go."""
        if self.find(entry.key) is not None:
            return History(tuple(entry if other.key == entry.key else other for other in self.entries))
        return History((entry, *self.entries)[:MOST_ENTRIES])

    def without(self, key: tuple[str, int]) -> History:
        """Without an entry."""
        return History(tuple(entry for entry in self.entries if entry.key != key))

    def ordered(self, keys: list[tuple[str, int]]) -> History:
        """In the order of `keys`; what is not named comes last, in its old order."""
        named = [entry for key in keys if (entry := self.find(key)) is not None]
        return History((*named, *(entry for entry in self.entries if entry.key not in keys)))


def dump_history(history: History) -> list[object]:
    """The history as plain values for JSON."""
    return [
        {
            **{name: getattr(entry, name) for name in KEPT},
            "form": dict(entry.form),
            "plan": entry.plan.dumped(),
        }
        for entry in history.entries
    ]


def load_history(values: object) -> History:
    """The history from what a document holds. Entries that cannot be read are left out."""
    entries = []
    for value in values if isinstance(values, list) else ():
        try:
            entries.append(_loaded(value))
        except (KeyError, TypeError, ValueError):
            continue
    return History(tuple(entries[:MOST_ENTRIES]))


def _loaded(value: dict[str, object]) -> Entry:
    seed = value["seed"]
    if not (seed is None or type(seed) is int) or type(value["index"]) is not int:
        raise ValueError("neither seed nor index may be anything but a number")
    texts = {name: str(value.get(name, "")) for name in ("mask", "thumbnail", "layer")}
    # JSON knows no tuples.
    form = {name: tuple(kept) if isinstance(kept, list) else kept for name, kept in dict(value["form"]).items()}
    edge = {name: int(value.get(name, 0)) for name in ("grow", "feather")}
    return Entry(str(value["job_id"]), value["index"], Plan.loaded(value["plan"]), form, seed, **texts, **edge)


def dump_memory(form: object, history: History) -> bytes:
    """Everything that a document remembers."""
    return json.dumps({"form": dataclasses.asdict(form), "history": dump_history(history)}).encode()


def load_memory(data: bytes) -> tuple[dict[str, object] | None, History]:
    """The values of the form, None when the document has none, and the history."""
    try:
        stored = json.loads(data)
    except ValueError:
        return None, History()
    if not isinstance(stored, dict):
        return None, History()
    form = stored.get("form")
    return (form if isinstance(form, dict) else None), load_history(stored.get("history"))
