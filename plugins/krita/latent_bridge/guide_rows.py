# SPDX-License-Identifier: GPL-3.0-or-later
"""One row for each layer or LoRA that guides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .guides import ControlEntry, LoraEntry, RegionEntry
from .qt import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QWidget,
    pyqtSignal,
)

Choice = tuple[str, str]
"""What is read, and what is meant."""


@dataclass(frozen=True)
class Offers:
    """What can be chosen, as it is when a list is opened."""

    layers: Callable[[], list[Choice]]
    adapters: Callable[[], list[Choice]]
    preprocessors: Callable[[], list[Choice]]
    loras: Callable[[], list[Choice]]


class ChoiceCombo(QComboBox):
    """A list that is asked for anew whenever it is used; what was chosen stays, even when it is gone."""

    def __init__(self, choices: Callable[[], list[Choice]], chosen: str, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._choices = choices
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(4)
        self._show(chosen, title)

    def refresh(self) -> None:
        """Ask for the choices."""
        self._show(self.currentData() or "", self.currentText())

    def _show(self, chosen: str, title: str) -> None:
        self.blockSignals(True)
        self.clear()
        for text, data in self._choices():
            self.addItem(text, data)
        if self.findData(chosen) < 0:
            gone = title if title.endswith("(missing)") else f"{title or chosen} (missing)"
            self.addItem(gone if chosen else "None", chosen)
        self.setCurrentIndex(self.findData(chosen))
        self.blockSignals(False)

    def showPopup(self) -> None:
        self.refresh()
        super().showPopup()

    def focusInEvent(self, event) -> None:
        self.refresh()
        super().focusInEvent(event)


class GuideRow(QFrame):
    """Fields of one entry and a button that takes it away.

    Signals:
        changed: the new entry.
        removed: the button was pressed.
    """

    changed = pyqtSignal(object)
    removed = pyqtSignal()

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._name = name
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(4, 4, 4, 4)
        self.grid.setSpacing(2)
        self.grid.setColumnStretch(0, 1)
        self.remove = QToolButton(self)
        self.remove.setText("×")
        self.remove.setAutoRaise(True)
        self.described(self.remove, "remove", "Take this away")
        self.remove.clicked.connect(lambda _checked=False: self.removed.emit())

    def described(self, field: QWidget, name: str, description: str) -> None:
        """Name a field for tests, tooltips and assistive programs."""
        field.setObjectName(f"latent_bridge_{self._name}_{name}")
        field.setAccessibleName(description)
        field.setToolTip(description)

    def number(self, name: str, description: str, value: int, least: int, most: int, prefix: str = "") -> QSpinBox:
        """A field for percents."""
        field = QSpinBox(self)
        field.setRange(least, most)
        field.setSingleStep(5)
        field.setPrefix(prefix)
        field.setSuffix(" %")
        field.setValue(value)
        field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.described(field, name, description)
        field.valueChanged.connect(self.edited)
        return field

    def choice(self, name: str, description: str, choices: Callable[[], list[Choice]], chosen: Choice) -> ChoiceCombo:
        """A list to choose from."""
        field = ChoiceCombo(choices, chosen[1], chosen[0], self)
        self.described(field, name, description)
        field.currentIndexChanged.connect(self.edited)
        return field

    def edited(self, *_: object) -> None:
        """A field was changed by the user."""
        self.changed.emit(self.entry())

    def entry(self) -> object:
        """The entry as the fields have it."""
        raise NotImplementedError


class ControlRow(GuideRow):
    """A layer as control or reference."""

    def __init__(self, entry: ControlEntry, offers: Offers, name: str, parent: QWidget) -> None:
        super().__init__(name, parent)
        self._entry = entry
        self._layer = self.choice("layer", "The layer that guides", offers.layers, (entry.name, entry.layer))
        self._adapter = self.choice(
            "adapter", "How it guides: a ControlNet or adapter", offers.adapters, (entry.adapter, entry.adapter)
        )
        self._preprocess = self.choice(
            "preprocess",
            "Make the guiding picture of what the layer shows, or take it as a finished one",
            offers.preprocessors,
            (entry.preprocess, entry.preprocess),
        )
        self._strength = self.number("strength", "How strongly it guides", entry.strength, 0, 200)
        self._start = self.number("start", "Share of the steps after which it begins", entry.start, 0, 100, "from ")
        self._end = self.number("end", "Share of the steps after which it ends", entry.end, 0, 100, "to ")
        self.grid.addWidget(self._layer, 0, 0)
        self.grid.addWidget(self.remove, 0, 1)
        self.grid.addWidget(self._adapter, 1, 0, 1, 2)
        self.grid.addLayout(_side_by_side(self._preprocess, self._strength), 2, 0, 1, 2)
        self.grid.addLayout(_side_by_side(self._start, self._end), 3, 0, 1, 2)

    def entry(self) -> ControlEntry:
        layer = self._layer.currentData() or ""
        return ControlEntry(
            layer=layer,
            name=self._entry.name if layer == self._entry.layer else self._layer.currentText(),
            adapter=self._adapter.currentData() or "",
            preprocess=self._preprocess.currentData() or "",
            strength=self._strength.value(),
            start=self._start.value(),
            end=self._end.value(),
        )


class LoraRow(GuideRow):
    """A LoRA and its weight."""

    def __init__(self, entry: LoraEntry, offers: Offers, name: str, parent: QWidget) -> None:
        super().__init__(name, parent)
        self._lora = self.choice("name", "The LoRA", offers.loras, (entry.name, entry.name))
        self._weight = self.number(
            "weight", "How strongly it acts; 100 % is as it was trained", entry.weight, -400, 400
        )
        self.grid.addLayout(_side_by_side(self._lora, self._weight), 0, 0)
        self.grid.addWidget(self.remove, 0, 1)

    def entry(self) -> LoraEntry:
        return LoraEntry(self._lora.currentData() or "", self._weight.value())


class RegionRow(GuideRow):
    """A layer or group whose opaque part has a prompt of its own."""

    def __init__(self, entry: RegionEntry, offers: Offers, name: str, parent: QWidget) -> None:
        super().__init__(name, parent)
        self._entry = entry
        self._layer = self.choice("layer", "The layer or group", offers.layers, (entry.name, entry.layer))
        self._strength = self.number("strength", "Its share where the layer is opaque", entry.strength, 0, 100)
        self._prompt = QLineEdit(entry.prompt, self)
        self._prompt.setPlaceholderText("What to paint there")
        self.described(self._prompt, "prompt", "What to paint where the layer is opaque, instead of the prompt")
        self._prompt.textEdited.connect(self.edited)
        self.grid.addLayout(_side_by_side(self._layer, self._strength), 0, 0)
        self.grid.addWidget(self.remove, 0, 1)
        self.grid.addWidget(self._prompt, 1, 0, 1, 2)

    def entry(self) -> RegionEntry:
        layer = self._layer.currentData() or ""
        return replace(
            self._entry,
            layer=layer,
            name=self._entry.name if layer == self._entry.layer else self._layer.currentText(),
            prompt=self._prompt.text(),
            strength=self._strength.value(),
        )


def _side_by_side(wide: QWidget, narrow: QWidget) -> QHBoxLayout:
    layout = QHBoxLayout()
    layout.setSpacing(2)
    layout.addWidget(wide, 3)
    layout.addWidget(narrow, 2)
    return layout
