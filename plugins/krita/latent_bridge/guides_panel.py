# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers and LoRAs that guide, folded away while there are none."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from .controller import Controller
from .fold import Fold
from .form import Form
from .guide_rows import ControlRow, GuideRow, LoraRow, Offers, RegionRow
from .guides import (
    FINISHED,
    GUIDING,
    MOST_CONTROLS,
    MOST_LORAS,
    MOST_REGIONS,
    ControlEntry,
    LoraEntry,
    RegionEntry,
    fitting,
)
from .qt import QComboBox, QHBoxLayout, QSizePolicy, QSpinBox, Qt, QVBoxLayout, QWidget
from .vendored import tasks
from .widgets import WheelGuard, small_button

KINDS = {
    "controls": (ControlRow, "control", MOST_CONTROLS),
    "loras": (LoraRow, "lora", MOST_LORAS),
    "regions": (RegionRow, "region", MOST_REGIONS),
}
"""Row, name and greatest number by the form's fields."""


class GuidesPanel(QWidget):
    """Rows for the form's controls, LoRAs and regions, and a button that adds one of each."""

    def __init__(self, controller: Controller, parent: QWidget) -> None:
        super().__init__(parent)
        self._controller = controller
        self._guard = WheelGuard(self)
        self._offers = Offers(self._layers, self._adapters, self._preprocessors, self._loras)
        self._shown: tuple[object, ...] = ()
        inner = QWidget(self)
        self._rows = QVBoxLayout()
        layout = QVBoxLayout(inner)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._buttons(inner))
        layout.addLayout(self._rows)
        self.fold = Fold("Guides", "guides", inner, self)
        self.fold.setToolTip("Layers as controls, references and regions, and LoRAs.")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.fold)
        whole.addWidget(inner)
        controller.form_changed.connect(self.fill)
        controller.welcomed.connect(lambda _welcome: self._rebuild())
        self.fill(controller.form)

    def _buttons(self, parent: QWidget) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(2)
        buttons = (
            ("Control", "add_control", "Let the active layer guide, as control or reference", self.add_control),
            ("LoRA", "add_lora", "Change the model's style by a LoRA", self.add_lora),
            ("Region", "add_region", "Give the active layer's part of the picture a prompt", self.add_region),
        )
        for text, name, description, run in buttons:
            button = small_button(text, name, description, parent)
            # Three of them must not make the docker wider.
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _checked=False, run=run: run())
            row.addWidget(button)
        return row

    # What can be chosen.

    def _layers(self) -> list[tuple[str, str]]:
        return [(name, layer) for layer, name in self._controller.layers()]

    def _of_types(self, *types: str) -> list[tuple[str, str]]:
        welcome = self._controller.welcome
        found = fitting(welcome.adapters, types, self._controller.family()) if welcome is not None else []
        return [(adapter.title or adapter.id, adapter.id) for adapter in found]

    def _adapters(self) -> list[tuple[str, str]]:
        return self._of_types(*GUIDING)

    def _loras(self) -> list[tuple[str, str]]:
        return self._of_types("lora")

    def _preprocessors(self) -> list[tuple[str, str]]:
        welcome = self._controller.welcome
        names = welcome.preprocessors if welcome is not None else ()
        made = [(name.title(), name) for name in names]
        finished = [(f"Finished {kind.title()}", f"{FINISHED}{kind}") for kind in get_args(tasks.ControlKind)]
        return [("As it is", ""), *made, *finished]

    # What the user does.

    def add_control(self) -> None:
        """The active layer as a control."""
        adapters = self._adapters()
        layer, name = self._controller.active_layer()
        if not adapters:
            self._controller.warn(
                "There is no ControlNet or adapter for this model.", "Put one into the daemon's models folder."
            )
        elif layer:
            self._add("controls", ControlEntry(layer, name, adapters[0][1]))

    def add_lora(self) -> None:
        """The first LoRA that is not used yet."""
        used = {entry.name for entry in self._controller.form.loras}
        free = [data for _, data in self._loras() if data not in used]
        if not free:
            self._controller.warn(
                "There is no LoRA for this model that is not in use.", "Put one into the daemon's models folder."
            )
            return
        self._add("loras", LoraEntry(free[0]))
        self._controller.insert_triggers(free[0])

    def add_region(self) -> None:
        """The active layer as a region."""
        layer, name = self._controller.active_layer()
        if layer:
            self._add("regions", RegionEntry(layer, name))

    def _add(self, kind: str, entry: object) -> None:
        entries = getattr(self._controller.form, kind)
        if len(entries) < KINDS[kind][2]:
            self._keep(kind, (*entries, entry))
            self._rebuild()

    def _change(self, kind: str, index: int, entry: object) -> None:
        before = getattr(self._controller.form, kind)
        self._keep(kind, (*before[:index], entry, *before[index + 1 :]))
        if kind == "loras" and entry.name != before[index].name:
            self._controller.insert_triggers(entry.name)

    def _remove(self, kind: str, index: int) -> None:
        before = getattr(self._controller.form, kind)
        self._keep(kind, (*before[:index], *before[index + 1 :]))
        self._rebuild()

    def _keep(self, kind: str, entries: tuple[object, ...]) -> None:
        self._controller.edit(replace(self._controller.form, **{kind: entries}))
        self._shown = _entries(self._controller.form)

    # What is shown.

    def fill(self, form: Form) -> None:
        """Show a form."""
        if _entries(form) != self._shown:
            self._shown = _entries(form)
            self._rebuild()
            if any(self._shown):
                self.fold.setChecked(True)

    def _rebuild(self) -> None:
        while self._rows.count():
            old = self._rows.takeAt(0).widget()
            old.hide()
            old.setObjectName("")
            old.deleteLater()
        for kind, (row_class, name, _) in KINDS.items():
            for index, entry in enumerate(getattr(self._controller.form, kind)):
                self._show_row(row_class(entry, self._offers, f"{name}_{index}", self), kind, index)

    def _show_row(self, row: GuideRow, kind: str, index: int) -> None:
        for field in (*row.findChildren(QSpinBox), *row.findChildren(QComboBox)):
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            field.installEventFilter(self._guard)
        row.changed.connect(lambda entry: self._change(kind, index, entry))
        row.removed.connect(lambda: self._remove(kind, index))
        self._rows.addWidget(row)


def _entries(form: Form) -> tuple[object, ...]:
    return form.controls, form.loras, form.regions
