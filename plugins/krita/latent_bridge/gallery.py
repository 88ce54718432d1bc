# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the document in front: compare, apply, adjust, delete. Main thread only.

Pixels stay with the daemon; the last ones that were seen are kept here too.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable

from .bridge_thread import BridgeThread
from .form import form_of
from .history import Entry, History
from .host import Host, OpenDocument, adjusted_mask
from .joined_steps import JoinedSteps
from .memory import Memories, Memory
from .packing import alpha_of, with_alpha
from .qt import QObject, QTimer, pyqtSignal
from .request import placement_of
from .thumbnails import thumbnail_of
from .vendored import errors, tasks

CACHE_BYTES = 256 << 20
RETRY_MS = 3000
MOST_ATTEMPTS = 100
"""How often a result that a former run of Krita asked for is looked for."""
Key = tuple[str, int]


class Gallery(QObject):
    """What can be done with results.

    Signals:
        changed: the `History` of the document in front.
        failed: a `BridgeError`.
    """

    changed = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(self, host: Host, bridge: BridgeThread, memories: Memories, steps: JoinedSteps) -> None:
        super().__init__()
        self._host = host
        self._bridge = bridge
        self._memories = memories
        self._steps = steps
        self._cache: OrderedDict[Key, tasks.Layer] = OrderedDict()
        self._waiting: dict[Key, list[Callable[[tasks.Layer], None]]] = {}
        self._attempts: dict[Key, int] = {}
        bridge.fetched.connect(self._on_fetched)

    # The history.

    @property
    def history(self) -> History:
        """That of the document in front."""
        memory = self._front()
        return memory.history if memory is not None else History()

    def _front(self) -> Memory | None:
        document = self._host.active_document()
        return self._memories.of(document) if document is not None else None

    def look(self) -> None:
        """Another document is in front, or the daemon is back: ask for results that were missed."""
        memory = self._front()
        if memory is not None:
            for entry in memory.history.missing:
                self._with_pixels(entry, lambda layer, entry=entry, memory=memory: self.arrived(memory, entry, layer))
        self.changed.emit(self.history)

    def keep(self, memory: Memory, history: History) -> None:
        """Make this the history of a document."""
        memory.history = history
        memory.save()
        self.changed.emit(self.history)

    def arrived(self, memory: Memory, entry: Entry, layer: tasks.Layer) -> None:
        """A result is there."""
        self._remember(entry.key, layer)
        known = memory.history.find(entry.key) or entry
        new = dataclasses.replace(known, seed=layer.seed, thumbnail=thumbnail_of(layer))
        self.keep(memory, memory.history.put(new))

    # What the user does.

    def compare(self, key: Key) -> None:
        """Show a result on the canvas, or hide it again."""
        memory = self._front()
        entry = memory.history.find(key) if memory is not None else None
        if entry is None:
            return
        document = memory.document
        if document.has_layer(entry.layer):
            document.show_layer(entry.layer, not document.shows_layer(entry.layer))
            return
        again = memory.previewed == key and document.has_layer(memory.preview)
        self.end_preview(memory)
        if not again:
            self._with_pixels(entry, lambda layer: self._preview(memory, entry, layer))

    def _preview(self, memory: Memory, entry: Entry, layer: tasks.Layer) -> None:
        if not memory.document.is_open:
            return
        where = placement_of(entry.plan, layer, memory.document.canvas).place
        memory.previewed = entry.key
        memory.preview = memory.document.add_layer(f"[preview] {entry.prompt}", where, bytes(layer.picture.pixels))

    def end_preview(self, memory: Memory) -> None:
        """Take the layer for comparing out."""
        shown, memory.preview = memory.preview, ""
        memory.document.remove_layer(shown)

    def apply(self, key: Key) -> None:
        """Put a result in as a layer, or show the layer that has it."""
        memory = self._front()
        entry = memory.history.find(key) if memory is not None else None
        if entry is None:
            return
        self.end_preview(memory)
        if memory.document.has_layer(entry.layer):
            memory.document.show_layer(entry.layer, True)
            return
        self._with_pixels(entry, lambda layer: self._apply(memory, entry, layer))

    def _apply(self, memory: Memory, entry: Entry, layer: tasks.Layer) -> None:
        if not memory.document.is_open:
            return
        (made,) = self._steps.place(memory.document, entry.plan, form_of(dict(entry.form)), (layer,))
        self.keep(memory, memory.history.put(dataclasses.replace(entry, layer=made)))

    def delete(self, key: Key) -> None:
        """Forget a result; its layer stays."""
        memory = self._front()
        if memory is not None:
            self._cache.pop(key, None)
            self.keep(memory, memory.history.without(key))

    def order(self, keys: list[Key]) -> None:
        """The user has dragged results."""
        memory = self._front()
        if memory is not None:
            self.keep(memory, memory.history.ordered(keys))

    def active_entry(self) -> tuple[OpenDocument, Entry] | None:
        """The result that the active layer shows, and its document."""
        memory = self._front()
        if memory is None:
            return None
        entry = memory.history.of_layer(memory.document.active_layer())
        return None if entry is None else (memory.document, entry)

    def adjust(self, grow: int, feather: int) -> None:
        """Move and soften the edge of the active layer's result, both in pixels; 0 and 0 is how it came.

        Nothing is generated: the pixels of a result go as far as its mask may reach.
        """
        found = self.active_entry()
        if found is None:
            self.failed.emit(
                errors.BridgeError(
                    errors.ErrorCode.INVALID_FIELD,
                    "The active layer is no result of this document.",
                    hint="Pick a layer that Latent Bridge has made.",
                )
            )
            return
        document, entry = found
        self._with_pixels(entry, lambda layer: self._adjust(document, entry, layer, grow, feather))

    def _adjust(self, document: OpenDocument, entry: Entry, layer: tasks.Layer, grow: int, feather: int) -> None:
        if not (document.is_open and document.has_layer(entry.layer)):
            return
        picture = layer.picture
        pixels = bytes(picture.pixels)
        if grow or feather:
            mask = adjusted_mask(alpha_of(pixels), picture.width, picture.height, grow, feather)
            pixels = with_alpha(pixels, mask)
        where = placement_of(entry.plan, layer, document.canvas).place
        document.repaint_layer(entry.layer, where, pixels)

    # Pixels.

    def _with_pixels(self, entry: Entry, action: Callable[[tasks.Layer], None]) -> None:
        """Do something with a result as soon as its pixels are here."""
        layer = self._cache.get(entry.key)
        if layer is not None:
            self._cache.move_to_end(entry.key)
            action(layer)
            return
        waiting = self._waiting.setdefault(entry.key, [])
        waiting.append(action)
        if len(waiting) == 1:
            self._bridge.fetch(*entry.key)

    def _on_fetched(self, job_id: str, index: int, answer: tasks.Layer | errors.BridgeError) -> None:
        actions = self._waiting.pop((job_id, index), [])
        if isinstance(answer, errors.BridgeError):
            self._missed((job_id, index), answer)
            return
        if answer.picture.format.value != "bgra8":
            return
        self._remember((job_id, index), answer)
        for action in actions:
            action(answer)

    def _missed(self, key: Key, error: errors.BridgeError) -> None:
        memory = self._front()
        entry = memory.history.find(key) if memory is not None else None
        if entry is None or entry.seed is not None:
            self.failed.emit(error)
        elif error.code is errors.ErrorCode.RESULT_EVICTED:
            self.keep(memory, memory.history.without(key))
        elif self._attempts.get(key, 0) < MOST_ATTEMPTS:
            # Under way, or the daemon is away.
            self._attempts[key] = self._attempts.get(key, 0) + 1
            QTimer.singleShot(RETRY_MS, self.look)

    def _remember(self, key: Key, layer: tasks.Layer) -> None:
        self._cache[key] = layer
        held = sum(len(memoryview(kept.picture.pixels)) for kept in self._cache.values())
        while held > CACHE_BYTES and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            held -= len(memoryview(dropped.picture.pixels))
