# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts results into documents, and keeps the steps of undo together where that changes the canvas. Main thread only."""

from __future__ import annotations

from .form import Form
from .host import Host, OpenDocument
from .joined import Joined, Move
from .placing import place
from .qt import QObject, QTimer
from .request import Plan
from .vendored import tasks

LOOK_MS = 25
LOOKS = 20
"""How often a document is looked at after a step: Krita takes a moment to do it."""


class JoinedSteps(QObject):
    """Watches the documents that were made larger for a result."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._joined: list[tuple[OpenDocument, str, Joined]] = []
        self._looks = 0
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        host.on_step(self._stepped)

    def place(
        self, document: OpenDocument, plan: Plan, form: Form, layers: tuple[tasks.Layer, ...], target: str
    ) -> list[str]:
        """As `placing.place`."""
        before = _size_of(document)
        made = place(document, plan, form, layers, target)
        if made[0] and _size_of(document) != before:
            self._joined.append((document, made[0], Joined(before, _size_of(document))))
        return made

    def _stepped(self) -> None:
        if self._joined:
            self._looks = LOOKS
            self._timer.start()

    def _look(self) -> None:
        front = self._host.active_document()
        if front is not None and not front.settled():
            return
        self._looks -= 1
        if self._looks <= 0:
            self._timer.stop()
        self._joined = [each for each in self._joined if each[0].is_open]
        for index, (document, layer, joined) in enumerate(self._joined):
            if front is None or not document.same(front):
                continue
            can_redo = self._host.can_redo()
            later, move = joined.seen(_size_of(document), layer=document.has_layer(layer), can_redo=can_redo)
            if later is None:
                del self._joined[index]
                return
            self._joined[index] = (document, layer, later)
            if move is not Move.NOTHING:
                self._host.undo() if move is Move.UNDO else self._host.redo()
                return


def _size_of(document: OpenDocument) -> tuple[int, int]:
    canvas = document.canvas
    return canvas.width, canvas.height
