# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge of a result, moved and softened after it was made; and its recipe used again."""

from __future__ import annotations

from .controller import Controller
from .history import History
from .qt import (
    QEvent,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QObject,
    QSizePolicy,
    QSlider,
    QSpinBox,
    Qt,
    QTimer,
    QWidget,
)
from .widgets import small_button

MOST_GROW = 64
MOST_FEATHER = 128
DELAY_MS = 60
"""A slider that is dragged repaints the layer this often at most."""


class EdgesPanel(QWidget):
    """Acts on the active layer."""

    def __init__(self, controller: Controller, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("latent_bridge_edges")
        self._gallery = controller.gallery
        self.grow = self._slider("grow", -MOST_GROW, MOST_GROW)
        self.feather = self._slider("feather", 0, MOST_FEATHER)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._adjust)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        for row, (title, (slider, number)) in enumerate((("Grow", self.grow), ("Feather", self.feather))):
            grid.addWidget(QLabel(title, self), row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(number, row, 2)
        again = small_button("Again", "again", "Make the active layer's result again, by its recipe", self)
        vary = small_button("Vary", "vary", "Another result by the active layer's recipe", self)
        recipe = small_button("Recipe", "recipe", "Fill the fields with the active layer's recipe", self)
        again.clicked.connect(lambda _checked=False: controller.again())
        vary.clicked.connect(lambda _checked=False: controller.vary())
        recipe.clicked.connect(lambda _checked=False: controller.use_recipe())
        buttons = QHBoxLayout()
        for button in (again, vary, recipe):
            # Their texts must not make the docker wider.
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            buttons.addWidget(button)
        grid.addLayout(buttons, 2, 0, 1, 3)
        # A method, not a lambda: it is disconnected by itself when the window goes.
        controller.gallery.changed.connect(self.show_history)
        self.show_history(controller.gallery.history)

    def show_history(self, history: History) -> None:
        """Take room only where there are results to act on."""
        self.setVisible(bool(history.results))

    def enterEvent(self, event: QEvent) -> None:
        """The fields are about to be used: show the edge of the layer that is active by now."""
        self._follow()
        super().enterEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Likewise when they are reached by keyboard."""
        if event.type() == QEvent.Type.FocusIn:
            self._follow()
        return False

    def _follow(self) -> None:
        if self._timer.isActive():
            return
        found = self._gallery.active_entry()
        values = (found[1].grow, found[1].feather) if found is not None else (0, 0)
        for fields, value in zip((self.grow, self.feather), values, strict=True):
            for field in fields:
                field.blockSignals(True)
                field.setValue(value)
                field.blockSignals(False)

    def _slider(self, name: str, least: int, most: int) -> tuple[QSlider, QSpinBox]:
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setRange(least, most)
        slider.setMinimumWidth(30)
        number = QSpinBox(self)
        number.setRange(least, most)
        number.setSuffix(" px")
        number.setObjectName(f"latent_bridge_edge_{name}")
        for field in (slider, number):
            field.setAccessibleName(f"{name.title()} the edge of the result")
            field.setToolTip("Of the result in the active layer; nothing is generated anew.")
            field.installEventFilter(self)
        slider.valueChanged.connect(number.setValue)
        number.valueChanged.connect(slider.setValue)
        number.valueChanged.connect(lambda _value: self._timer.start())
        return slider, number

    def _adjust(self) -> None:
        self._gallery.adjust(self.grow[1].value(), self.feather[1].value())
