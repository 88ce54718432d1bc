# SPDX-License-Identifier: GPL-3.0-or-later
"""Small widgets of the docker."""

from __future__ import annotations

from .qt import (
    QColor,
    QEvent,
    QFrame,
    QHBoxLayout,
    QLabel,
    QObject,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QSpinBox,
    Qt,
    QVBoxLayout,
    QWidget,
    pyqtSignal,
)
from .weights import Marked, shifted

ENTER_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PromptEdit(QPlainTextEdit):
    """A text of at least `least` lines in height, and at most `most` if that is given.

    Tab leaves it, Ctrl+Enter asks to generate.
    """

    submitted = pyqtSignal()

    def __init__(self, parent: QWidget, least: int, most: int | None = None) -> None:
        super().__init__(parent)
        self._least = least
        self.setTabChangesFocus(True)
        self.setMinimumHeight(self._height_of(least))
        if most is not None:
            self.setMaximumHeight(self._height_of(most))
        self.setMinimumWidth(0)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)

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
        if _is_ctrl_enter(event):
            self.submitted.emit()
            return
        direction = _weight_direction(event)
        if direction:
            self._shift_weight(direction)
            return
        super().keyPressEvent(event)

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


def _weight_direction(event) -> int:
    """1 for Ctrl+Up, -1 for Ctrl+Down, 0 for anything else."""
    if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
        return 0
    return {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1}.get(event.key(), 0)


def _is_ctrl_enter(event) -> bool:
    return event.key() in ENTER_KEYS and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)


class PercentSlider(QWidget):
    """A slider and a number that move together, 1 to 100 percent."""

    changed = pyqtSignal()

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setRange(1, 100)
        self._slider.setPageStep(10)
        self._slider.setMinimumWidth(40)
        self._slider.setObjectName(f"{name}_slider")
        self._number = QSpinBox(self)
        self._number.setRange(1, 100)
        self._number.setSuffix(" %")
        self._number.setObjectName(f"{name}_number")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider, 1)
        layout.addWidget(self._number)
        self._slider.valueChanged.connect(self._number.setValue)
        self._number.valueChanged.connect(self._slider.setValue)
        self._number.valueChanged.connect(self._moved)
        self.setFocusProxy(self._number)

    def set_accessible(self, name: str, description: str) -> None:
        """Name both parts for assistive programs and tooltips."""
        for part in (self._slider, self._number):
            part.setAccessibleName(name)
            part.setAccessibleDescription(description)
            part.setToolTip(description)

    def _moved(self, _value: int) -> None:
        self.changed.emit()

    def value(self) -> int:
        return self._number.value()

    def setValue(self, value: int) -> None:
        self._number.setValue(value)


class Notice(QWidget):
    """What went wrong, what to do about it, and a button that does it. Takes no room when there is nothing to say."""

    fix_pressed = pyqtSignal()

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._error = self._label(f"{name}_text")
        self._hint = self._label(f"{name}_hint")
        lines = QVBoxLayout()
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(2)
        lines.addWidget(self._error)
        lines.addWidget(self._hint)
        self._fix = QPushButton(self)
        self._fix.setObjectName(f"{name}_fix")
        self._fix.clicked.connect(lambda _checked=False: self.fix_pressed.emit())
        lines.addWidget(self._fix)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._bar())
        layout.addLayout(lines, 1)
        self.hide()

    def _bar(self) -> QWidget:
        # At the side, instead of a colour for the text: readable on light and dark themes. A style sheet would do it
        # too, but would keep the docker's font from the labels.
        bar = QWidget(self)
        bar.setFixedWidth(3)
        palette = bar.palette()
        palette.setColor(bar.backgroundRole(), QColor("#d9534f"))
        bar.setPalette(palette)
        bar.setAutoFillBackground(True)
        return bar

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        # A long word must not make the docker wider.
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        return label

    def show_text(self, error: str, hint: str, fix: str = "") -> None:
        """Show both lines and the button; hide the whole when both lines are empty."""
        self._fix.setText(fix)
        self._fix.setVisible(bool(fix))
        self._error.setText(error)
        self._error.setVisible(bool(error))
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self.setVisible(bool(error or hint))
        self.setAccessibleName(f"{error} {hint}".strip())


class WheelGuard(QObject):
    """Keeps the wheel, when it scrolls past a field, from changing the field's value."""

    def eventFilter(self, widget: QObject, event) -> bool:
        if event.type() == QEvent.Type.Wheel and not widget.hasFocus():
            event.ignore()
            return True
        return False


def small_button(text: str, name: str, description: str, parent: QWidget) -> QPushButton:
    button = QPushButton(text, parent)
    button.setObjectName(f"latent_bridge_{name}")
    button.setAccessibleName(text)
    button.setAccessibleDescription(description)
    button.setToolTip(description)
    button.setMinimumWidth(0)
    return button


def text_line(name: str, title: str, parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setObjectName(f"latent_bridge_{name}")
    label.setAccessibleDescription(title)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def scrolling(content: QWidget, parent: QWidget) -> QScrollArea:
    """A widget that scrolls up and down when there is little room, so that no docker makes Krita's window grow."""
    area = QScrollArea(parent)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(content)
    return area
