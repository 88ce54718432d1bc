# SPDX-License-Identifier: GPL-3.0-or-later
"""The canvases of the daemon, to be opened; and the document in front, to be shared."""

from __future__ import annotations

from collections.abc import Callable

from ..host import Host
from ..qt import QComboBox, QHBoxLayout, QTimer, QWidget
from ..vendored import canvases
from ..widgets import small_button
from .share import Share
from .sharing import Sharing

REFRESH_MS = 3000
"""How often the list is renewed while it can be seen."""


class CanvasList(QWidget):
    """A list with Open, and a button that shares or ends sharing."""

    def __init__(self, host: Host, sharing: Sharing, follow: Callable[[Share], None]) -> None:
        super().__init__()
        self._host = host
        self._sharing = sharing
        self._follow = follow
        self._names: tuple[str, ...] = ()
        self.list = QComboBox(self)
        self.list.setObjectName("latent_bridge_canvases")
        self.list.setAccessibleName("Canvases")
        self.list.setToolTip("Canvases that other programs share")
        self.list.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.list.setMinimumContentsLength(6)
        self.open = small_button("Open", "open_canvas", "Open the canvas as a document and paint on it together", self)
        self.share = small_button("Share", "share_canvas", "Let other programs see and paint on this picture", self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list, 2)
        layout.addWidget(self.open, 1)
        layout.addWidget(self.share, 1)
        self._timer = QTimer(self)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(sharing.ask_for_list)
        self.open.clicked.connect(lambda _checked=False: self._open())
        self.share.clicked.connect(lambda _checked=False: self._share())
        sharing.listed.connect(self.show_list)
        sharing.changed.connect(self._show_share)
        self.show_list(())

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self._sharing.ask_for_list()
        self._timer.start()
        self._show_share()

    def hideEvent(self, event) -> None:
        super().hideEvent(event)
        self._timer.stop()

    def show_list(self, found: tuple[canvases.CanvasInfo, ...]) -> None:
        """Offer the canvases that somebody has open, but for those that are open here; Krita's own come last."""
        mine = {share.canvas.name for share in self._sharing.shares}
        open_ones = [info.name for info in found if info.members and info.name not in mine]
        names = tuple(sorted(open_ones, key=lambda name: (name.startswith("krita:"), name)))
        self._show_share()
        if names == self._names and self.list.count():
            return
        chosen, self._names = self.list.currentText(), names
        self.list.clear()
        self.list.addItems(names or ("No canvases",))
        self.list.setCurrentIndex(max(0, self.list.findText(chosen)))
        self.list.setEnabled(bool(names))
        self.open.setEnabled(bool(names))

    def _show_share(self) -> None:
        document = self._host.active_document()
        share = self._sharing.of(document)
        self.share.setEnabled(document is not None)
        self.share.setText("Stop sharing" if share is not None and share.stays else "Share")

    def _open(self) -> None:
        if self._names:
            self._sharing.open(self.list.currentText(), self._follow)

    def _share(self) -> None:
        document = self._host.active_document()
        share = self._sharing.of(document)
        if share is not None and share.stays:
            self._sharing.close(share)
        elif document is not None:
            self._sharing.share(document, self._follow)
