# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest frame over the canvas itself, while nobody paints.

It is a widget, not a layer: it is in no capture and in no file, makes no step of undo, and goes away at the very moment
in which the pen comes down, without Krita having to compose anything.
"""

from __future__ import annotations

from ..host import CanvasView, Host, OpenDocument
from ..qt import QImage, QObject, QPainter, QRectF, Qt, QTimer, QWidget
from ..request import Rect

LOOK_MS = 30
"""How often it is looked whether somebody paints: Krita lets nobody else see what pen and mouse do."""
QUIET_LOOKS = 15
"""How often in succession nobody may be painting before a picture is shown."""


class CanvasOverlay(QObject):
    """Shows frames over the view of their document, for as long as that is in front."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self.wanted = False
        self._host = host
        self._document: OpenDocument | None = None
        self._image: QImage | None = None
        self._area = Rect(0, 0, 0, 0)
        self._picture: OverlayPicture | None = None
        self._quiet = 0
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)

    def want(self, wanted: bool) -> None:
        """Show frames from now on, or no longer."""
        self.wanted = wanted
        if wanted and self._image is not None:
            self._timer.start()
        elif not wanted:
            self._timer.stop()
            self._hide()

    def take(self, document: OpenDocument, image: QImage, area: Rect) -> None:
        """The newest frame of a document and the part of the picture that it covers."""
        self._document, self._image, self._area = document, image, area
        if not self.wanted:
            return
        if self._picture is not None:
            self._picture.show_image(image, area)
        self._timer.start()

    def end(self) -> None:
        """Live generation is over."""
        self._image = self._document = None
        self._timer.stop()
        self._hide()

    def _look(self) -> None:
        view = self._host.canvas_view(self._document) if self._document.is_open else None
        if view is None or view.is_pressed() or not self._document.settled():
            self._hide()
            return
        self._quiet += 1
        if self._picture is None and self._quiet >= QUIET_LOOKS:
            self._picture = picture = OverlayPicture(view)
            picture.destroyed.connect(lambda: self._forget(picture))
            picture.show_image(self._image, self._area)
        elif self._picture is not None:
            self._picture.follow()

    def _hide(self) -> None:
        self._quiet = 0
        if self._picture is not None:
            self._picture.hide()
            self._picture.deleteLater()
            self._picture = None

    def _forget(self, picture: OverlayPicture) -> None:
        """It went away with its view."""
        if self._picture is picture:
            self._picture = None


class OverlayPicture(QWidget):
    """A picture in its place on a canvas; the canvas gets all that is done with mouse and pen."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view.widget)
        self.setObjectName("latent_bridge_live_overlay")
        self._view = view
        self._image: QImage | None = None
        self._area = Rect(0, 0, 0, 0)
        self._place = QRectF()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.show()

    def show_image(self, image: QImage, area: Rect) -> None:
        """Show another image, of that part of the picture."""
        self._image, self._area = image, area
        self.follow()
        self.update()

    def follow(self) -> None:
        """Go where the view has been moved."""
        place = self._view.place(self._area)
        if place != self._place or self.size() != self._view.widget.size():
            self._place = place
            self.resize(self._view.widget.size())
            self.update()

    def paintEvent(self, _event) -> None:
        if self._image is None or self._place.isEmpty():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self._place, self._image, QRectF(self._image.rect()))
        painter.end()
