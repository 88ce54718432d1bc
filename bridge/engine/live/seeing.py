"""What a frame starts from: the canvas, brought to the size that is computed in as little time as possible."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bridge.engine.conversion import Floats, channels_of, picture_of, read_rgb
from bridge.engine.resampling import resize, resize_mask
from bridge.engine.whole_picture import over_neutral
from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat

_MODES = {PixelFormat.RGB8: "RGB", PixelFormat.RGBA8: "RGBA", PixelFormat.BGRA8: "RGBA", PixelFormat.GRAY8: "L"}
"""Formats that are scaled as bytes: an eighth of the time, and nobody sees the rounding in a draft."""


def seen(picture: Picture, width: int, height: int) -> Floats:
    """The colours (height, width, 3) of a canvas at another size, transparent parts over mid grey."""
    mode = _MODES.get(picture.format)
    if mode is None or picture.colour_space is not ColourSpace.SRGB:
        rgb, alpha = read_rgb(picture)
        return resize(over_neutral(rgb, alpha), width, height)
    rgb, alpha = read_rgb(_scaled(picture, mode, width, height))
    return over_neutral(rgb, alpha)


def seen_mask(mask: Picture, width: int, height: int) -> Floats:
    """A gray8 mask (height, width) at another size, 0 to 1."""
    return resize_mask(channels_of(mask)[..., 0].astype(np.float32) / np.float32(255), width, height)


def shown(rgb: Floats, alpha: Floats | None, side: int) -> Picture:
    """A frame as it is sent: rgb8 or, with alpha, rgba8; no larger than `side` unless that is 0."""
    height, width = rgb.shape[:2]
    values = rgb if alpha is None else np.concatenate((rgb, alpha[..., None]), axis=-1)
    channels = (np.clip(values, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    pixel_format = PixelFormat.RGB8 if alpha is None else PixelFormat.RGBA8
    picture = picture_of(channels, pixel_format, ColourSpace.SRGB)
    factor = side / max(width, height) if side else 1.0
    if factor >= 1:
        return picture
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return _scaled(picture, _MODES[pixel_format], *size)


def _scaled(picture: Picture, mode: str, width: int, height: int) -> Picture:
    if (picture.width, picture.height) == (width, height):
        return picture
    channels = channels_of(picture)
    image = Image.fromarray(channels[..., 0] if mode == "L" else channels, mode)
    scaled = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return Picture(width, height, picture.format, scaled.tobytes(), picture.colour_space)
