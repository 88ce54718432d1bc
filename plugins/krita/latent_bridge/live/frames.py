# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames as pictures of Qt."""

from __future__ import annotations

from dataclasses import dataclass

from ..qt import QImage, QPainter, QRect, Qt
from ..request import Rect
from ..vendored import live


@dataclass(frozen=True)
class Shown:
    """A frame as it is shown.

    Attributes:
        image: with an alpha channel where a selection says what was repainted.
        area: the part of the picture that it covers.
        prompt: what it shows.
        seed: of the noise that it was made from.
    """

    image: QImage
    area: Rect
    prompt: str
    seed: int


def shown_of(frame: live.LiveFrame, settings: live.LiveSettings | None) -> Shown:
    """A frame, with pixels of its own."""
    picture = frame.picture
    alpha = picture.format.has_alpha
    kind = QImage.Format.Format_RGBA8888 if alpha else QImage.Format.Format_RGB888
    kept = QImage.Format.Format_ARGB32 if alpha else QImage.Format.Format_RGB32
    data = bytes(picture.pixels)  # the image only looks at them
    image = QImage(data, picture.width, picture.height, picture.width * picture.format.channels, kind)
    area = Rect(frame.area.x, frame.area.y, frame.area.width, frame.area.height)
    made = settings or live.LiveSettings()
    return Shown(image.convertToFormat(kept), area, made.prompt, made.seed)


def layer_pixels(shown: Shown) -> bytes:
    """BGRA pixels of a frame, as large as the area that it covers."""
    image = shown.image.scaled(
        shown.area.width,
        shown.area.height,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    ).convertToFormat(QImage.Format.Format_ARGB32)
    bits = image.constBits()
    bits.setsize(image.bytesPerLine() * image.height())
    return bytes(bits)


def composed(shown: Shown, below: bytes) -> QImage:
    """A frame over what it was made from.

    Args:
        below: BGRA pixels of its area.
    """
    area = shown.area
    picture = QImage(below, area.width, area.height, area.width * 4, QImage.Format.Format_ARGB32)
    whole = picture.scaled(shown.image.size())
    painter = QPainter(whole)
    painter.drawImage(QRect(0, 0, whole.width(), whole.height()), shown.image)
    painter.end()
    return whole
