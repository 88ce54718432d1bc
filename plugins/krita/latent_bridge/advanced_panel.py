# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields that are rarely needed, folded away."""

from __future__ import annotations

from .fold import Fold
from .form import MOST_EXPANSION, MOST_GUIDANCE, MOST_IMAGES, MOST_SCALE, SIDES, Form
from .qt import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
    pyqtSignal,
)
from .vendored import messages
from .widgets import choose

DEFAULT_MAX_STEPS = 150


class AdvancedPanel(QWidget):
    """Steps, guidance, scheduler, variants, what expanding adds, how much upscaling enlarges.

    Signals:
        changed: one of them.
    """

    changed = pyqtSignal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._inner = QWidget(self)
        self.fold = Fold("Advanced", "advanced", self._inner, self)
        self._make_fields()
        self._lay_out()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.fold)
        layout.addWidget(self._inner)
        self._connect()

    def _make_fields(self) -> None:
        self.images = self._number("images", "Variants", "How many pictures to make; several come as a group.", "")
        self.images.setRange(1, MOST_IMAGES)
        self.steps = self._number("steps", "Steps", "More steps take longer and add detail.", "")
        self.steps.setRange(0, DEFAULT_MAX_STEPS)
        self.steps.setSpecialValueText("Automatic")
        self.guidance = QDoubleSpinBox(self._inner)
        self._name(self.guidance, "guidance", "Guidance", "How closely the prompt is followed.")
        self.guidance.setRange(0, MOST_GUIDANCE)
        self.guidance.setSingleStep(0.5)
        self.guidance.setDecimals(1)
        self.guidance.setSpecialValueText("Automatic")
        self.scheduler = QComboBox(self._inner)
        self._name(self.scheduler, "scheduler", "Scheduler", "How the noise is taken away step by step.")
        self.scheduler.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.scheduler.setMinimumContentsLength(6)
        self.scheduler.addItem("Automatic", "")
        self.scale = self._number("scale", "Upscale to", "Sides after Upscale over sides before.", " %")
        self.scale.setRange(100, MOST_SCALE)
        self.scale.setSingleStep(50)
        self.sides = {side: self._number(side, side.title(), "What Expand adds at this side.", " px") for side in SIDES}
        for field in self.sides.values():
            field.setRange(0, MOST_EXPANSION)
            field.setSingleStep(64)
        self.in_place = QCheckBox("Merge into the active layer", self._inner)
        self._name(self.in_place, "in_place", "In place", "Replace pixels of the active layer; otherwise a new layer.")

    def _number(self, name: str, title: str, description: str, unit: str) -> QSpinBox:
        field = QSpinBox(self._inner)
        field.setSuffix(unit)
        self._name(field, name, title, description)
        return field

    def _name(self, field: QWidget, name: str, title: str, description: str) -> None:
        field.setObjectName(f"latent_bridge_{name}")
        field.setAccessibleName(title)
        field.setAccessibleDescription(description)
        field.setToolTip(description)
        if not isinstance(field, QCheckBox):
            # A long number must not make the docker wider.
            field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def _lay_out(self) -> None:
        grid = QGridLayout(self._inner)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        fields = (self.images, self.steps, self.guidance, self.scheduler, self.scale, *self.sides.values())
        for row, field in enumerate(fields):
            title = field.accessibleName()
            label = QLabel(f"Expand {title.lower()}" if field in self.sides.values() else title, self._inner)
            label.setBuddy(field)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        grid.addWidget(self.in_place, len(fields), 0, 1, 2)

    def _connect(self) -> None:
        for field in (self.images, self.steps, self.guidance, self.scale, *self.sides.values()):
            field.valueChanged.connect(self._edited)
        self.scheduler.currentIndexChanged.connect(self._edited)
        self.in_place.toggled.connect(self._edited)

    def _edited(self, *_: object) -> None:
        self.changed.emit()

    def fill(self, form: Form) -> None:
        """Show a form."""
        self.images.setValue(form.images)
        self.steps.setValue(form.steps)
        self.guidance.setValue(form.guidance)
        choose(self.scheduler, form.scheduler)
        self.scale.setValue(form.scale)
        for side, field in self.sides.items():
            field.setValue(getattr(form, side))
        self.in_place.setChecked(form.in_place)

    def values(self) -> dict[str, object]:
        """What is shown, as fields of a form."""
        return {
            "images": self.images.value(),
            "steps": self.steps.value(),
            "guidance": self.guidance.value(),
            "scheduler": self.scheduler.currentData() or "",
            "scale": self.scale.value(),
            "in_place": self.in_place.isChecked(),
            **{side: field.value() for side, field in self.sides.items()},
        }

    def offer(self, welcome: messages.Welcome, form: Form) -> None:
        """Build choices and ranges from what the daemon can do."""
        self.steps.setMaximum(min(welcome.limits.steps, _schema_maximum(welcome, "steps", DEFAULT_MAX_STEPS)))
        self.images.setMaximum(min(welcome.limits.images, MOST_IMAGES))
        self.scheduler.clear()
        self.scheduler.addItem("Automatic", "")
        for name in welcome.schedulers:
            self.scheduler.addItem(name, name)
        choose(self.scheduler, form.scheduler)

    def show_model(self, welcome: messages.Welcome, model_id: str) -> None:
        """Tell what Automatic means for a model."""
        for model in welcome.models:
            if model.id == model_id:
                self.steps.setSpecialValueText(f"Automatic ({model.steps})")
                self.guidance.setSpecialValueText(f"Automatic ({model.guidance_scale:g})")


def _schema_maximum(welcome: messages.Welcome, field: str, otherwise: int) -> int:
    """The largest value of a parameter that the daemon announced for text-to-image."""
    node: object = welcome.tasks
    for key in ("text-to-image", "properties", field):
        node = node.get(key) if isinstance(node, dict) else None
    for part in (node, *(node.get("anyOf", ()) if isinstance(node, dict) else ())):
        if isinstance(part, dict) and isinstance(part.get("maximum"), int):
            return part["maximum"]
    return otherwise
