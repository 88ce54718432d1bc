# SPDX-License-Identifier: GPL-3.0-or-later
"""What every open document remembers of the docker: its fields and its results, in an annotation of the document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from .form import Form, form_of
from .history import History, dump_memory, load_memory

ANNOTATION = "latent_bridge"


class Remembering(Protocol):
    """What is asked of a document."""

    is_open: bool

    def same(self, other: object) -> bool: ...

    def read_annotation(self, name: str) -> bytes: ...

    def write_annotation(self, name: str, value: bytes) -> None: ...


@dataclass
class Memory:
    """One document's.

    Attributes:
        preview: id of the layer that shows a result for comparing; empty when there is none.
        previewed: key of that result.
    """

    document: Remembering
    form: Form | None
    history: History
    preview: str = ""
    previewed: tuple[str, int] | None = None

    def save(self, form: Form | None = None) -> None:
        """Write it into the document; saved to disk with the document."""
        self.form = form or self.form
        if self.document.is_open:
            self.document.write_annotation(ANNOTATION, dump_memory(self.form or Form(), self.history))


@dataclass
class Memories:
    """Those of all open documents."""

    _known: list[Memory] = field(default_factory=list)

    def of(self, document: Remembering) -> Memory:
        """A document's memory; read from it when it is seen first."""
        self._known = [memory for memory in self._known if memory.document.is_open]
        for memory in self._known:
            if memory.document.same(document):
                return memory
        values, history = load_memory(document.read_annotation(ANNOTATION))
        memory = Memory(document, None if values is None else form_of(values), history)
        self._known.append(memory)
        return memory
