# SPDX-License-Identifier: GPL-3.0-or-later
"""The field for a prompt: weights by keys, LoRAs completed while they are typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .lora_words import matching, typed_lora, word_of
from .qt import QCompleter, QEvent, QPlainTextEdit, QSizePolicy, QStringListModel, Qt, QWidget, pyqtSignal
from .weights import Marked, shifted

ENTER_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
CHOOSING_KEYS = (*ENTER_KEYS, Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_Escape)
"""Keys that the list of completions takes while it is open."""


class PromptEdit(QPlainTextEdit):
    """A text of at least `least` lines in height, and at most `most` if that is given.

    Tab leaves it, Ctrl+Enter asks to generate.
    """

    submitted = pyqtSignal()

    def __init__(self, parent: QWidget, least: int, most: int | None = None) -> None:
        super().__init__(parent)
        self._least = least
        self._loras: Callable[[], Sequence[str]] = tuple
        self.setTabChangesFocus(True)
        self.setMinimumHeight(self._height_of(least))
        if most is not None:
            self.setMaximumHeight(self._height_of(most))
        self.setMinimumWidth(0)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self._found = QStringListModel(self)
        self.completer = QCompleter(self._found, self)
        self.completer.setWidget(self)
        self.completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self.completer.activated[str].connect(self._complete)
        self.textChanged.connect(self._offer)

    def complete_loras(self, loras: Callable[[], Sequence[str]]) -> None:
        """Offer these names wherever a LoRA is typed."""
        self._loras = loras

    def _height_of(self, lines: int) -> int:
        margins = 2 * (self.frameWidth() + int(self.document().documentMargin()))
        return lines * self.fontMetrics().lineSpacing() + margins + 2

    def sizeHint(self):
        hint = super().sizeHint()
        hint.setHeight(self._height_of(self._least))
        return hint

    def event(self, event) -> bool:
        # Krita's own shortcuts would take the keys otherwise.
        ours = event.type() == QEvent.Type.ShortcutOverride and (_is_ctrl_enter(event) or _weight_direction(event))
        if ours:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event) -> None:
        if self.completer.popup().isVisible() and event.key() in CHOOSING_KEYS:
            event.ignore()  # the list, which has seen it first, is to have it
            return
        if _is_ctrl_enter(event):
            self.submitted.emit()
            return
        direction = _weight_direction(event)
        if direction:
            self._shift_weight(direction)
            return
        super().keyPressEvent(event)

    # Weights.

    def _shift_weight(self, direction: int) -> None:
        """Let the marked words, or the word at the cursor, count more or less. One step for Undo."""
        cursor = self.textCursor()
        before = Marked(self.toPlainText(), cursor.selectionStart(), cursor.selectionEnd())
        after = shifted(before, direction)
        if after.text == before.text:
            return
        cursor.beginEditBlock()
        cursor.select(cursor.SelectionType.Document)
        cursor.insertText(after.text)
        cursor.endEditBlock()
        cursor.setPosition(after.start)
        cursor.setPosition(after.end, cursor.MoveMode.KeepAnchor)
        self.setTextCursor(cursor)

    # LoRAs.

    def _offer(self) -> None:
        """Show the LoRAs that may be meant, or none."""
        typed = typed_lora(self.toPlainText(), self.textCursor().position()) if self.hasFocus() else None
        names = matching(typed, self._loras()) if typed is not None else []
        if not names:
            self.completer.popup().hide()
            return
        self._found.setStringList(names)
        place = self.cursorRect()
        place.setWidth(max(120, self.viewport().width() - place.x()))
        self.completer.complete(place)
        self.completer.popup().setCurrentIndex(self.completer.completionModel().index(0, 0))

    def _complete(self, name: str) -> None:
        """Write the chosen one in place of what was typed. One step for Undo."""
        cursor = self.textCursor()
        typed = typed_lora(self.toPlainText(), cursor.position())
        if typed is None:
            return
        cursor.setPosition(typed.start, cursor.MoveMode.KeepAnchor)
        cursor.insertText(word_of(name))
        self.setTextCursor(cursor)


def _weight_direction(event) -> int:
    """1 for Ctrl+Up, -1 for Ctrl+Down, 0 for anything else."""
    if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
        return 0
    return {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(event.key(), 0)


def _is_ctrl_enter(event) -> bool:
    return event.key() in ENTER_KEYS and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
