# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of results, as text that fits into a document."""

from __future__ import annotations

import base64
from contextlib import suppress

from .qt import QBuffer, QByteArray, QImage, QIODevice, QPixmap, Qt
from .vendored import tasks

SIDE = 96
QUALITY = 80


def thumbnail_of(layer: tasks.Layer) -> str:
    """A JPEG of at most 96 pixels a side, as base64."""
    picture = layer.picture
    pixels = bytes(picture.pixels)
    # Without alpha: what a mask hides is still worth seeing.
    image = QImage(pixels, picture.width, picture.height, picture.width * 4, QImage.Format.Format_RGB32)
    keep = Qt.AspectRatioMode.KeepAspectRatio
    # Coarsely at first: smooth scaling of a large picture would be felt in the brush.
    image = image.scaled(2 * SIDE, 2 * SIDE, keep, Qt.TransformationMode.FastTransformation)
    image = image.scaled(SIDE, SIDE, keep, Qt.TransformationMode.SmoothTransformation)
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "JPEG", QUALITY)
    return base64.b64encode(bytes(data)).decode()


def pixmap_of(thumbnail: str) -> QPixmap:
    """The picture of a thumbnail; grey when there is none."""
    pixmap = QPixmap()
    with suppress(ValueError):  # a damaged one looks like none
        pixmap.loadFromData(base64.b64decode(thumbnail))
    if pixmap.isNull():
        pixmap = QPixmap(SIDE, SIDE)
        pixmap.fill(Qt.GlobalColor.gray)
    return pixmap
