# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture in the live docker, as large as there is room."""

from __future__ import annotations

from ..qt import QImage, QPainter, QRect, QSize, QSizePolicy, Qt, QWidget

LEAST_SIDE = 120
"""Pixels."""


class PreviewPicture(QWidget):
    """Shows an image whole, in its own proportions."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("latent_bridge_live_preview")
        self.setAccessibleName("What the model makes of the picture")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(LEAST_SIDE)
        self._image: QImage | None = None

    def show_image(self, image: QImage | None) -> None:
        """Show an image, or nothing."""
        self._image = image
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(2 * LEAST_SIDE, 2 * LEAST_SIDE)

    def paintEvent(self, _event) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().dark())
        if self._image is not None:
            size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRect((self.width() - size.width()) // 2, (self.height() - size.height()) // 2, 0, 0)
            place.setSize(size)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self._image)
        painter.end()
