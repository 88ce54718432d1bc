# SPDX-License-Identifier: GPL-3.0-or-later
"""The docker's contents: fields that fill the form, and a picture of the state."""

from __future__ import annotations

import dataclasses

from .controller import Controller
from .form import Form, parse_seed
from .qt import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    Qt,
    QVBoxLayout,
    QWidget,
)
from .state import DockerState, Link
from .vendored import messages
from .widgets import Notice, PercentSlider, PromptEdit, WheelGuard

MINIMUM_WIDTH = 200
PROGRESS_PARTS = 1000
DEFAULT_MAX_STEPS = 150
LINK_COLOURS = {Link.CONNECTED: "#4caf50", Link.REFUSED: "#d9534f", Link.ABSENT: "#d9534f"}
WAITING_COLOUR = "#e0a030"


class FormPanel(QWidget):
    """The fields. Fills the controller's form whenever one of them changes."""

    def __init__(self, controller: Controller, parent: QWidget) -> None:
        super().__init__(parent)
        self._controller = controller
        self._filling = False
        self._make_fields()
        self._lay_out()
        self._name_fields()
        self._guard = WheelGuard(self)
        for field in (*self.findChildren(QSpinBox), *self.findChildren(QComboBox)):
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            field.installEventFilter(self._guard)
        self.fill(controller.form)
        self._connect()

    def _make_fields(self) -> None:
        self.model = QComboBox(self)
        self.model.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.model.setMinimumContentsLength(6)
        self.model.addItem("Default", "")
        self.prompt = PromptEdit(self, least=3)
        self.prompt.setPlaceholderText("What to paint")
        self.negative = PromptEdit(self, least=2, most=3)
        self.negative.setPlaceholderText("What to avoid")
        self.strength = PercentSlider("strength", self)
        self.steps = QSpinBox(self)
        self.steps.setRange(0, DEFAULT_MAX_STEPS)
        self.steps.setSpecialValueText("Automatic")
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
        rows = (("Strength", self.strength), ("Steps", self.steps), ("Seed", seed_row), ("Model", self.model))
        for row, (text, field) in enumerate(rows, start=2):
            label = QLabel(text, self)
            label.setBuddy(self.seed if field is seed_row else field)
            grid.addWidget(label, row, 0)
            if field is seed_row:
                grid.addLayout(field, row, 1)
            else:
                grid.addWidget(field, row, 1)
        grid.setRowStretch(0, 1)
        grid.setRowStretch(grid.rowCount(), 0)

    def _name_fields(self) -> None:
        described = (
            (self.prompt, "prompt", "Prompt", "What to paint. Ctrl+Enter generates."),
            (self.negative, "negative_prompt", "Negative prompt", "What to avoid."),
            (self.steps, "steps", "Steps", "More steps take longer and add detail. Automatic: the model's own number."),
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
        self.steps.valueChanged.connect(self._edited)
        self.seed.textEdited.connect(self._edited)
        self.random.toggled.connect(self._edited)
        self.model.currentIndexChanged.connect(self._edited)
        self.prompt.submitted.connect(self._controller.generate)
        self.negative.submitted.connect(self._controller.generate)
        self._controller.welcomed.connect(self.offer)
        self._controller.seed_used.connect(self._show_seed)
        if self._controller.welcome is not None:
            self.offer(self._controller.welcome)

    def fill(self, form: Form) -> None:
        """Show a form."""
        self._filling = True
        self.prompt.setPlainText(form.prompt)
        self.negative.setPlainText(form.negative_prompt)
        self.strength.setValue(form.strength)
        self.steps.setValue(form.steps)
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
        if chosen and self.model.findData(chosen) < 0:
            self.model.addItem(f"{chosen} (missing)", chosen)
        self.model.setCurrentIndex(max(0, self.model.findData(chosen)))
        self.steps.setMaximum(min(welcome.limits.steps, _schema_maximum(welcome, "steps", DEFAULT_MAX_STEPS)))
        self._filling = False
        self._show_automatic_steps(welcome)

    def _show_automatic_steps(self, welcome: messages.Welcome) -> None:
        for model in welcome.models:
            if model.id == self.model.currentData():
                self.steps.setSpecialValueText(f"Automatic ({model.steps})")

    def _show_seed(self, seed: int) -> None:
        """The seed of the last picture, ready to be kept by switching Random off."""
        self.seed.setText(str(seed))
        self._edited()

    def _edited(self, *_: object) -> None:
        if self._filling:
            return
        self.seed.setEnabled(not self.random.isChecked())
        # The first model of the list is the daemon's default; picking it means "the default", whatever that will be.
        model = self.model.currentData() if self.model.currentIndex() > 0 else ""
        self._controller.edit(
            dataclasses.replace(
                self._controller.form,
                prompt=self.prompt.toPlainText(),
                negative_prompt=self.negative.toPlainText(),
                strength=self.strength.value(),
                steps=self.steps.value(),
                seed=parse_seed(self.seed.text()),
                random_seed=self.random.isChecked(),
                model=model,
            )
        )
        if self._controller.welcome is not None:
            self._show_automatic_steps(self._controller.welcome)


class StatusPanel(QWidget):
    """Buttons, progress, errors and the connection: what follows from the state."""

    def __init__(self, controller: Controller, parent: QWidget) -> None:
        super().__init__(parent)
        self.generate = _button("Generate", "generate", "Make a layer (Ctrl+Enter in the prompt)", self)
        self.cancel = _button("Cancel", "cancel", "Stop the picture under way", self)
        self.start = _button("Start", "start", "Start the daemon on this computer", self)
        self.progress = QProgressBar(self)
        self.progress.setObjectName("latent_bridge_progress")
        self.progress.setAccessibleName("Progress")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.text = _line("text", "What is going on", self)
        self.notice = Notice("latent_bridge_error", self)
        self.link = _line("connection", "Connection", self)
        self._lay_out()
        self.generate.clicked.connect(lambda _checked=False: controller.generate())
        self.cancel.clicked.connect(lambda _checked=False: controller.cancel())
        self.start.clicked.connect(lambda _checked=False: controller.start_daemon())
        controller.changed.connect(self.show_state)
        self.show_state(controller.state)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.generate, 2)
        buttons.addWidget(self.cancel, 1)
        link_row = QHBoxLayout()
        link_row.addWidget(self.link, 1)
        link_row.addWidget(self.start)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.text)
        layout.addWidget(self.notice)
        layout.addLayout(link_row)

    def show_state(self, state: DockerState) -> None:
        """Show a state."""
        self.generate.setEnabled(state.can_generate)
        self.generate.setToolTip(state.why_not or "Make a layer (Ctrl+Enter in the prompt)")
        self.cancel.setEnabled(state.can_cancel)
        self.start.setVisible(state.can_start)
        self.text.setText(state.text)
        self.text.setVisible(bool(state.text))
        self.notice.show_text(state.error, state.hint)
        colour = LINK_COLOURS.get(state.link, WAITING_COLOUR)
        self.link.setText(f'<span style="color:{colour}">●</span> {_escaped(state.link_text)}')
        self.link.setAccessibleName(state.link_text)
        if state.busy and state.fraction is None:
            self.progress.setRange(0, 0)
        else:
            self.progress.setRange(0, PROGRESS_PARTS)
            self.progress.setValue(round((state.fraction or 0.0) * PROGRESS_PARTS))


class BridgePanel(QWidget):
    """The whole docker: the fields scroll when there is little room, buttons and state stay in view."""

    def __init__(self, controller: Controller, parent: QWidget) -> None:
        super().__init__(parent)
        self._controller = controller
        self.setObjectName("latent_bridge_panel")
        self.form = FormPanel(controller, self)
        self.status = StatusPanel(controller, self)
        scroll = QScrollArea(self)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.form)
        layout = QVBoxLayout(self)
        layout.addWidget(scroll, 1)
        layout.addWidget(self.status)
        self.setMinimumWidth(MINIMUM_WIDTH)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._controller.open()


def _button(text: str, name: str, description: str, parent: QWidget) -> QPushButton:
    button = QPushButton(text, parent)
    button.setObjectName(f"latent_bridge_{name}")
    button.setAccessibleName(text)
    button.setAccessibleDescription(description)
    button.setToolTip(description)
    button.setMinimumWidth(0)
    return button


def _line(name: str, title: str, parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setObjectName(f"latent_bridge_{name}")
    label.setAccessibleDescription(title)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _schema_maximum(welcome: messages.Welcome, field: str, otherwise: int) -> int:
    """The largest value of a parameter that the daemon announced for text-to-image."""
    node: object = welcome.tasks
    for key in ("text-to-image", "properties", field):
        node = node.get(key) if isinstance(node, dict) else None
    for part in (node, *(node.get("anyOf", ()) if isinstance(node, dict) else ())):
        if isinstance(part, dict) and isinstance(part.get("maximum"), int):
            return part["maximum"]
    return otherwise
