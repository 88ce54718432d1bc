# SPDX-License-Identifier: GPL-3.0-or-later
"""The live docker's contents."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from ..qt import QCheckBox, QFileDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget
from ..widgets import Notice, PercentSlider, scrolling, small_button, text_line
from .canvas_list import CanvasList
from .preview import PreviewPicture
from .session import LiveSession
from .wishes import Report


class LivePanel(QWidget):
    """Switch, strength, preview, how it goes, and the shared canvases."""

    def __init__(
        self, session: LiveSession, canvases: CanvasList, connect: Callable[[], None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("latent_bridge_live_panel")
        self._session = session
        self._connect_to_daemon = connect
        self.switch = small_button("Live", "live", "Let the model follow what is painted on this picture", self)
        self.switch.setCheckable(True)
        self.layer = small_button("To Layer", "live_apply", "Put the picture below into the document as a layer", self)
        self.record = small_button("Record…", "live_record", "Write every frame to a folder, as a numbered PNG", self)
        self.record.setCheckable(True)
        self.strength = PercentSlider("live_strength", self)
        self.strength.set_accessible("Live strength", "How freely the model paints over what is there.")
        self.selected = QCheckBox("Selection only", self)
        self.selected.setObjectName("latent_bridge_live_selected")
        self.selected.setToolTip("Repaint what is selected; without a selection live generation pauses.")
        self.overlay = QCheckBox("Show on the canvas", self)
        self.overlay.setObjectName("latent_bridge_live_on_canvas")
        self.overlay.setToolTip("Show the picture over the canvas while nobody paints; it is no part of the document.")
        self.preview = PreviewPicture(self)
        self.text = text_line("live_text", "How live generation goes", self)
        self.notice = Notice("latent_bridge_live_error", self)
        self._lay_out(canvases)
        self._connect()
        self.show_report(session.report)

    def _lay_out(self, canvases: CanvasList) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.switch, 1)
        buttons.addWidget(self.layer, 1)
        buttons.addWidget(self.record, 1)
        strength = QHBoxLayout()
        strength.addWidget(QLabel("Strength", self))
        strength.addWidget(self.strength, 1)
        content = QWidget(self)
        layout = QVBoxLayout(content)
        layout.addLayout(buttons)
        layout.addLayout(strength)
        layout.addWidget(self.selected)
        layout.addWidget(self.overlay)
        layout.addWidget(self.preview, 1)
        layout.addWidget(self.text)
        layout.addWidget(self.notice)
        layout.addWidget(canvases)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scrolling(content, self))

    def _connect(self) -> None:
        self.strength.setValue(self._session.wishes.strength)
        self.switch.clicked.connect(lambda _checked=False: self._session.toggle())
        self.layer.clicked.connect(lambda _checked=False: self._session.apply())
        self.record.clicked.connect(lambda _checked=False: self._record())
        self.strength.changed.connect(self._wish)
        self.selected.clicked.connect(self._wish)
        self.overlay.setChecked(self._session.overlay.wanted)
        self.overlay.toggled.connect(self._session.overlay.want)
        self._session.changed.connect(self.show_report)
        self._session.framed.connect(self.preview.show_image)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._connect_to_daemon()

    def show_report(self, report: Report) -> None:
        """Show how it goes."""
        self.switch.setChecked(self._session.on)
        self.selected.setChecked(self._session.wishes.selected_only)
        self.layer.setEnabled(self._session.can_apply)
        recording = self._session.recording
        self.record.setChecked(recording is not None)
        self.record.setText("Record…" if recording is None else "Stop")
        written = f", {recording.count} frames recorded" if recording is not None else ""
        self.text.setText(report.text + written)
        self.notice.show_text(report.error, report.hint)

    def _record(self) -> None:
        folder = ""
        if self._session.recording is None:
            folder = QFileDialog.getExistingDirectory(self, "A folder for the frames")
        self._session.record(folder)

    def _wish(self, *_: object) -> None:
        wishes = self._session.wishes
        self._session.wish(
            dataclasses.replace(wishes, strength=self.strength.value(), selected_only=self.selected.isChecked())
        )
