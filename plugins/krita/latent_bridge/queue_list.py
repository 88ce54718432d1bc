# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs behind the one whose progress is shown, each with a button that cancels it."""

from __future__ import annotations

from .controller import Controller
from .jobs import Jobs
from .qt import QHBoxLayout, QLabel, QSizePolicy, Qt, QToolButton, QVBoxLayout, QWidget

MOST_LINES = 4


class QueueList(QWidget):
    """Takes no room when nothing waits."""

    def __init__(self, controller: Controller, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("latent_bridge_queue")
        self._controller = controller
        self._jobs = Jobs()
        self._lines = [self._line(number) for number in range(MOST_LINES)]
        self._more = QLabel(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for row, _, _ in self._lines:
            layout.addWidget(row)
        layout.addWidget(self._more)
        controller.queue_changed.connect(self.show_jobs)
        self.show_jobs(controller.jobs)

    def _line(self, number: int) -> tuple[QWidget, QLabel, QToolButton]:
        row = QWidget(self)
        label = QLabel(row)
        label.setObjectName(f"latent_bridge_queue_{number}")
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        button = QToolButton(row)
        button.setObjectName(f"latent_bridge_queue_cancel_{number}")
        button.setText("✕")
        button.setAutoRaise(True)
        button.setToolTip("Take this job out of the queue")
        button.setAccessibleName("Cancel the job")
        button.clicked.connect(lambda _checked=False: self._cancel(number))
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(label, 1)
        layout.addWidget(button)
        return row, label, button

    def _cancel(self, number: int) -> None:
        behind = self._jobs.pending[1:]
        if number < len(behind):
            self._controller.cancel(behind[number].job_id)

    def show_jobs(self, jobs: Jobs) -> None:
        """Show what waits."""
        self._jobs = jobs
        behind = jobs.pending[1:]
        for number, (row, label, _) in enumerate(self._lines):
            row.setVisible(number < len(behind))
            if number < len(behind):
                label.setText(behind[number].line)
                label.setToolTip(behind[number].line)
        self._more.setText(f"and {len(behind) - MOST_LINES} more")
        self._more.setVisible(len(behind) > MOST_LINES)
        self.setVisible(bool(behind))
