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
SAVE_DELAY_MS = 300
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
        self._askers: dict[Key, Memory] = {}
        self._attempts: dict[Key, int] = {}
        self._shown: tuple[tuple[str, int, int], bytes] = (("", 0, 0), b"")
        self._unsaved: Memory | None = None
        self._saving = QTimer(self)
        self._saving.setSingleShot(True)
        self._saving.setInterval(SAVE_DELAY_MS)
        self._saving.timeout.connect(self._save)
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

    def connected(self) -> None:
        """The daemon is back: look for what was missed, as often as if it was for the first time."""
        self._attempts.clear()
        self.look()

    def look(self) -> None:
        """Another document is in front: ask for results that were missed."""
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
            memory.previewed = key
            self._with_pixels(entry, lambda layer: self._preview(memory, entry, layer))

    def _preview(self, memory: Memory, entry: Entry, layer: tasks.Layer) -> None:
        wanted = memory.document.is_open and memory.previewed == entry.key
        if not wanted or memory.document.has_layer(memory.preview):
            return
        where = placement_of(entry.plan, layer, memory.document.canvas).place
        memory.preview = memory.document.add_layer(f"[preview] {entry.prompt}", where, bytes(layer.picture.pixels))
        memory.document.lock_layer(memory.preview)  # what is painted on it would vanish with it

    def end_preview(self, memory: Memory) -> None:
        """Take the layer for comparing out."""
        shown, memory.preview, memory.previewed = memory.preview, "", None
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
        target = memory.document.active_layer()
        (made,) = self._steps.place(memory.document, entry.plan, form_of(dict(entry.form)), (layer,), target)
        self.keep(memory, memory.history.put(dataclasses.replace(entry, layer=made, grow=0, feather=0)))

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
        self._with_pixels(entry, lambda layer: self._adjust(document, entry.key, layer, grow, feather))

    def _adjust(self, document: OpenDocument, key: Key, layer: tasks.Layer, grow: int, feather: int) -> None:
        memory = self._memories.of(document) if document.is_open else None
        entry = memory.history.find(key) if memory is not None else None
        if entry is None or not document.has_layer(entry.layer):
            return
        where = placement_of(entry.plan, layer, document.canvas).place
        shown, cut = self._shown
        if shown != (entry.layer, entry.grow, entry.feather):
            cut = _cut(layer, entry.grow, entry.feather)
        if not document.has_pixels(entry.layer, where, cut):
            self.failed.emit(
                errors.BridgeError(
                    errors.ErrorCode.INVALID_FIELD,
                    "This layer was painted on, moved or converted: moving its edge would undo that.",
                    hint="To have the result as it came, delete this layer and double-click the result.",
                )
            )
            return
        cut = _cut(layer, grow, feather)
        document.repaint_layer(entry.layer, where, cut)
        self._shown = ((entry.layer, grow, feather), cut)
        memory.history = memory.history.put(dataclasses.replace(entry, grow=grow, feather=feather))
        self._unsaved = memory
        self._saving.start()

    def _save(self) -> None:
        if self._unsaved is not None:
            self._unsaved.save()

    # Pixels.

    def _with_pixels(self, entry: Entry, action: Callable[[tasks.Layer], None]) -> None:
        """Do something with a result as soon as its pixels are here."""
        layer = self._cache.get(entry.key)
        if layer is not None:
            self._cache.move_to_end(entry.key)
            action(layer)
            return
        memory = self._front()
        if memory is not None:
            self._askers[entry.key] = memory
        waiting = self._waiting.setdefault(entry.key, [])
        waiting.append(action)
        if len(waiting) == 1:
            self._bridge.fetch(*entry.key)

    def _on_fetched(self, job_id: str, index: int, answer: tasks.Layer | errors.BridgeError) -> None:
        actions = self._waiting.pop((job_id, index), [])
        asker = self._askers.pop((job_id, index), None)
        if isinstance(answer, errors.BridgeError):
            self._missed(asker, (job_id, index), answer)
            return
        if answer.picture.format.value != "bgra8":
            return
        self._remember((job_id, index), answer)
        for action in actions:
            action(answer)

    def _missed(self, memory: Memory | None, key: Key, error: errors.BridgeError) -> None:
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


def _cut(layer: tasks.Layer, grow: int, feather: int) -> bytes:
    """The pixels of a result with its edge moved and softened, BGRA."""
    picture = layer.picture
    pixels = bytes(picture.pixels)
    if not (grow or feather):
        return pixels
    return with_alpha(pixels, adjusted_mask(alpha_of(pixels), picture.width, picture.height, grow, feather))
