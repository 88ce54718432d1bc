# SPDX-License-Identifier: GPL-3.0-or-later
"""The docker's contents, put together."""

from __future__ import annotations

from .controller import Controller
from .edges_panel import EdgesPanel
from .form_panel import FormPanel
from .guides_panel import GuidesPanel
from .qt import QVBoxLayout, QWidget
from .status_panel import StatusPanel
from .strip import HistoryStrip
from .widgets import scrolling

MINIMUM_WIDTH = 200


class BridgePanel(QWidget):
    """The whole docker: the fields scroll when there is little room, buttons and state stay in view."""

    def __init__(self, controller: Controller, parent: QWidget) -> None:
        super().__init__(parent)
        self._controller = controller
        self.setObjectName("latent_bridge_panel")
        self.form = FormPanel(controller, self)
        self.status = StatusPanel(controller, self)
        layout = QVBoxLayout(self)
        fields = _stacked(self, self.form, GuidesPanel(controller, self), EdgesPanel(controller, self))
        layout.addWidget(scrolling(fields, self), 1)
        layout.addWidget(self.status)
        layout.addWidget(HistoryStrip(controller, self))
        self.setMinimumWidth(MINIMUM_WIDTH)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._controller.open()


def _stacked(parent: QWidget, *parts: QWidget) -> QWidget:
    """Parts that scroll together."""
    whole = QWidget(parent)
    layout = QVBoxLayout(whole)
    layout.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        layout.addWidget(part)
    return whole
