# SPDX-License-Identifier: GPL-3.0-or-later
"""Small widgets of the docker."""

from __future__ import annotations

from .qt import (
    QColor,
    QComboBox,
    QEvent,
    QFrame,
    QHBoxLayout,
    QLabel,
    QObject,
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


def choose(box: QComboBox, value: str) -> None:
    """Show the choice with this value, the first for an empty one. What is not on offer is kept, as missing."""
    if value and box.findData(value) < 0:
        box.addItem(f"{value} (missing)", value)
    box.setCurrentIndex(max(0, box.findData(value)))


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
