# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields: they fill the controller's form."""

from __future__ import annotations

import dataclasses

from .advanced_panel import AdvancedPanel
from .controller import Controller
from .form import Form, parse_seed
from .modes import MANNERS
from .prompt_edit import PromptEdit
from .qt import QCheckBox, QComboBox, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QSpinBox, Qt, QWidget
from .vendored import messages
from .widgets import PercentSlider, WheelGuard, choose


class FormPanel(QWidget):
    """The fields. Fills the controller's form whenever one of them changes."""

    def __init__(self, controller: Controller, parent: QWidget) -> None:
        super().__init__(parent)
        self._controller = controller
        self._filling = False
        self._typing = False
        self._make_fields()
        self.advanced = AdvancedPanel(self)
        self._lay_out()
        self._name_fields()
        self._guard = WheelGuard(self)
        for field in (*self.findChildren(QSpinBox), *self.findChildren(QComboBox)):
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            field.installEventFilter(self._guard)
        self.fill(controller.form)
        self._connect()

    def _make_fields(self) -> None:
        self.mode = QComboBox(self)
        for mode, manner in MANNERS.items():
            self.mode.addItem(manner.title, mode.value)
            self.mode.setItemData(self.mode.count() - 1, manner.explanation, Qt.ItemDataRole.ToolTipRole)
        self.model = QComboBox(self)
        for field in (self.mode, self.model):
            # A long name must not make the docker wider.
            field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            field.setMinimumContentsLength(6)
        self.model.addItem("Default", "")
        self.prompt = PromptEdit(self, least=3)
        self.prompt.setPlaceholderText("What to paint")
        self.prompt.complete_loras(self._controller.loras)
        self.negative = PromptEdit(self, least=2, most=3)
        self.negative.setPlaceholderText("What to avoid")
        self.strength = PercentSlider("strength", self)
        self.seed = QLineEdit(self)
        self.seed.setMaxLength(10)
        self.seed.setMinimumWidth(40)
        self.random = QCheckBox("Random", self)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.prompt, 0, 0, 1, 2)
        grid.addWidget(self.negative, 1, 0, 1, 2)
        seed_row = QHBoxLayout()
        seed_row.addWidget(self.seed, 1)
        seed_row.addWidget(self.random)
        rows = (("Mode", self.mode), ("Strength", self.strength), ("Seed", seed_row), ("Model", self.model))
        for row, (text, field) in enumerate(rows, start=2):
            label = QLabel(text, self)
            label.setBuddy(self.seed if field is seed_row else field)
            grid.addWidget(label, row, 0)
            if field is seed_row:
                grid.addLayout(field, row, 1)
            else:
                grid.addWidget(field, row, 1)
        grid.addWidget(self.advanced, grid.rowCount(), 0, 1, 2)
        grid.setRowStretch(0, 1)
        grid.setRowStretch(grid.rowCount(), 0)

    def _name_fields(self) -> None:
        described = (
            (
                self.prompt,
                "prompt",
                "Prompt",
                "What to paint. Ctrl+Enter generates; Ctrl+Up and Ctrl+Down change how much the marked words count; "
                "<lora: offers LoRAs.",
            ),
            (self.negative, "negative_prompt", "Negative prompt", "What to avoid."),
            (self.mode, "mode", "Mode", "What Generate does. Automatic follows selection and strength."),
            (self.seed, "seed", "Seed", "The same seed, prompt and settings make the same picture."),
            (self.random, "random_seed", "Random seed", "Draw another seed for every picture."),
            (self.model, "model", "Model", "The model that paints."),
        )
        for widget, name, title, description in described:
            widget.setObjectName(f"latent_bridge_{name}")
            widget.setAccessibleName(title)
            widget.setAccessibleDescription(description)
            widget.setToolTip(description)
        self.strength.setObjectName("latent_bridge_strength")
        self.strength.set_accessible(
            "Strength",
            "How much may change. At 100 % without a selection the layer is made from the prompt alone; below, from "
            "the picture.",
        )

    def _connect(self) -> None:
        self.prompt.textChanged.connect(self._edited)
        self.negative.textChanged.connect(self._edited)
        self.strength.changed.connect(self._edited)
        self.advanced.changed.connect(self._edited)
        self.mode.currentIndexChanged.connect(self._edited)
        self.seed.textEdited.connect(self._edited)
        self.random.toggled.connect(self._edited)
        self.model.currentIndexChanged.connect(self._edited)
        self.prompt.submitted.connect(self._controller.generate)
        self.negative.submitted.connect(self._controller.generate)
        self._controller.welcomed.connect(self.offer)
        self._controller.form_changed.connect(self.fill)
        self._controller.edited.connect(self._follow)
        if self._controller.welcome is not None:
            self.offer(self._controller.welcome)

    def fill(self, form: Form) -> None:
        """Show a form."""
        self._filling = True
        if self.prompt.toPlainText() != form.prompt:
            self.prompt.setPlainText(form.prompt)
        if self.negative.toPlainText() != form.negative_prompt:
            self.negative.setPlainText(form.negative_prompt)
        self.strength.setValue(form.strength)
        self.mode.setCurrentIndex(max(0, self.mode.findData(form.mode)))
        choose(self.model, form.model)
        self.advanced.fill(form)
        self.seed.setText(str(form.seed))
        self.random.setChecked(form.random_seed)
        self.seed.setEnabled(not form.random_seed)
        self._filling = False

    def offer(self, welcome: messages.Welcome) -> None:
        """Build the choices from what the daemon can do. The chosen model stays, even while it is not there."""
        chosen = self._controller.form.model
        self._filling = True
        self.model.clear()
        for model in welcome.models:
            self.model.addItem(model.title or model.id, model.id)
            row = self.model.count() - 1
            explanation = model.unusable or model.description or model.id
            self.model.setItemData(row, explanation, Qt.ItemDataRole.ToolTipRole)
            self.model.model().item(row).setEnabled(not model.unusable)
        if not welcome.models:
            self.model.addItem("None found", "")
        choose(self.model, chosen)
        self.advanced.offer(welcome, self._controller.form)
        self._filling = False
        self.advanced.show_model(welcome, self.model.currentData())

    def _follow(self, form: Form) -> None:
        """Show what was typed in the docker of another window."""
        if not self._typing:
            self.fill(form)

    def _edited(self, *_: object) -> None:
        if self._filling:
            return
        self.seed.setEnabled(not self.random.isChecked())
        # The first model of the list is the daemon's default; picking it means "the default", whatever that will be.
        model = self.model.currentData() if self.model.currentIndex() > 0 else ""
        self._typing = True
        self._controller.edit(
            dataclasses.replace(
                self._controller.form,
                prompt=self.prompt.toPlainText(),
                negative_prompt=self.negative.toPlainText(),
                strength=self.strength.value(),
                seed=parse_seed(self.seed.text()),
                random_seed=self.random.isChecked(),
                model=model,
                mode=self.mode.currentData(),
                **self.advanced.values(),
            )
        )
        self._typing = False
        if self._controller.welcome is not None:
            self.advanced.show_model(self._controller.welcome, self.model.currentData())
