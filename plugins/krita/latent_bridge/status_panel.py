# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons, progress, queue, errors and the connection."""

from __future__ import annotations

from .controller import Controller
from .qt import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget
from .queue_list import QueueList
from .state import DockerState, Link
from .widgets import Notice, small_button, text_line

PROGRESS_PARTS = 1000
LINK_COLOURS = {Link.CONNECTED: "#4caf50", Link.REFUSED: "#d9534f", Link.ABSENT: "#d9534f"}
WAITING_COLOUR = "#e0a030"


class StatusPanel(QWidget):
    """Buttons, progress, errors and the connection: what follows from the state."""

    def __init__(self, controller: Controller, parent: QWidget) -> None:
        super().__init__(parent)
        self.generate = small_button("Generate", "generate", "Make a layer (Ctrl+Enter in the prompt)", self)
        self.cancel = small_button("Cancel", "cancel", "Stop the picture under way", self)
        self.start = small_button("Start", "start", "Start the daemon on this computer", self)
        self.settings = small_button("", "settings", "Which daemon, and how it is reached", self)
        self.settings.setIcon(controller.icon("configure"))
        self.settings.setAccessibleName("Settings")
        self.progress = QProgressBar(self)
        self.progress.setObjectName("latent_bridge_progress")
        self.progress.setAccessibleName("Progress")
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.text = text_line("text", "What is going on", self)
        self.queue = QueueList(controller, self)
        self.notice = Notice("latent_bridge_error", self)
        self.notice.fix_pressed.connect(controller.fix)
        self.link = text_line("connection", "Connection", self)
        self._lay_out()
        self.generate.clicked.connect(lambda _checked=False: controller.generate())
        self.cancel.clicked.connect(lambda _checked=False: controller.cancel())
        self.start.clicked.connect(lambda _checked=False: controller.start_daemon())
        self.settings.clicked.connect(lambda _checked=False: controller.settings_wanted.emit())
        controller.changed.connect(self.show_state)
        self.show_state(controller.state)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.generate, 2)
        buttons.addWidget(self.cancel, 1)
        link_row = QHBoxLayout()
        link_row.addWidget(self.link, 1)
        link_row.addWidget(self.start)
        link_row.addWidget(self.settings)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.text)
        layout.addWidget(self.queue)
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
        self.notice.show_text(state.error, state.hint, state.fix.value)
        colour = LINK_COLOURS.get(state.link, WAITING_COLOUR)
        self.link.setText(f'<span style="color:{colour}">●</span> {_escaped(state.link_text)}')
        self.link.setAccessibleName(state.link_text)
        if state.busy and state.fraction is None:
            self.progress.setRange(0, 0)
        else:
            self.progress.setRange(0, PROGRESS_PARTS)
            self.progress.setValue(round((state.fraction or 0.0) * PROGRESS_PARTS))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
