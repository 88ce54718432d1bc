"""Pixel formats to what models see, and back: `float32` RGB in sRGB, 0 to 1, with alpha apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat

Floats = npt.NDArray[np.float32]
Channels = npt.NDArray[Any]

_LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""Weights of ITU-R BT.709."""


def dtype_of(pixel_format: PixelFormat) -> np.dtype[Any]:
    """The little-endian dtype of a channel."""
    if pixel_format.is_float:
        return np.dtype("<f2" if pixel_format.bytes_per_channel == 2 else "<f4")
    return np.dtype("u1" if pixel_format.bytes_per_channel == 1 else "<u2")


def channels_of(picture: Picture) -> Channels:
    """A view of the pixels, shape (height, width, channels), in the picture's own format."""
    flat = np.frombuffer(picture.pixels, dtype=dtype_of(picture.format))
    return flat.reshape(picture.height, picture.width, picture.format.channels)


def read_rgb(picture: Picture) -> tuple[Floats, Floats | None]:
    """Colours (height, width, 3) as sRGB, 0 to 1, and alpha (height, width) or None. Values beyond are clipped."""
    return decode(channels_of(picture), picture.format, picture.colour_space)


def decode(channels: Channels, pixel_format: PixelFormat, colour_space: ColourSpace) -> tuple[Floats, Floats | None]:
    """As `read_rgb`, from channels of shape (height, width, channels)."""
    values = _to_floats(channels, pixel_format)
    alpha = np.ascontiguousarray(values[..., -1]) if pixel_format.has_alpha else None
    colours = values[..., :-1] if pixel_format.has_alpha else values
    if colours.shape[-1] == 1:
        colours = np.repeat(colours, 3, axis=-1)
    elif pixel_format.value.startswith("bgra"):
        colours = colours[..., ::-1]
    if colour_space is ColourSpace.LINEAR_SRGB:
        colours = srgb_from_linear(colours)
    return np.ascontiguousarray(colours, dtype=np.float32), alpha


def encode(rgb: Floats, alpha: Floats | None, pixel_format: PixelFormat, colour_space: ColourSpace) -> Channels:
    """Channels (height, width, channels) of a format from sRGB colours and alpha; no alpha means opaque."""
    colours = linear_from_srgb(rgb) if colour_space is ColourSpace.LINEAR_SRGB else rgb
    if pixel_format.value.startswith("gray"):
        colours = (colours @ _LUMA)[..., None]
    elif pixel_format.value.startswith("bgra"):
        colours = colours[..., ::-1]
    out = np.empty((*rgb.shape[:2], pixel_format.channels), dtype=dtype_of(pixel_format))
    out[..., : colours.shape[-1]] = from_floats(colours, pixel_format)
    if pixel_format.has_alpha:
        out[..., -1] = (
            1
            if alpha is None and pixel_format.is_float
            else from_floats(np.ones(rgb.shape[:2], np.float32) if alpha is None else alpha, pixel_format)
        )
    return out


def picture_of(channels: Channels, pixel_format: PixelFormat, colour_space: ColourSpace) -> Picture:
    """A picture that views the channels."""
    tight = np.ascontiguousarray(channels)
    return Picture(tight.shape[1], tight.shape[0], pixel_format, tight.data.cast("B"), colour_space)


def write_picture(rgb: Floats, alpha: Floats | None, pixel_format: PixelFormat, colour_space: ColourSpace) -> Picture:
    """A picture in a format from sRGB colours (height, width, 3) and alpha (height, width)."""
    return picture_of(encode(rgb, alpha, pixel_format, colour_space), pixel_format, colour_space)


def convert_picture(picture: Picture, pixel_format: PixelFormat) -> Picture:
    """The same picture in another format and the same colour space; the very same bytes when nothing is to do."""
    if picture.format is pixel_format:
        return replace(picture, pixels=picture.pixels)
    rgb, alpha = decode(channels_of(picture), picture.format, ColourSpace.SRGB)
    return picture_of(encode(rgb, alpha, pixel_format, ColourSpace.SRGB), pixel_format, picture.colour_space)


def srgb_from_linear(values: Floats) -> Floats:
    """The transfer function of sRGB (IEC 61966-2-1), 0 to 1."""
    values = np.clip(values, 0, 1)
    curved = 1.055 * np.power(np.maximum(values, 0.0031308), 1 / 2.4) - 0.055
    return np.where(values <= 0.0031308, values * 12.92, curved).astype(np.float32)


def linear_from_srgb(values: Floats) -> Floats:
    """The inverse of `srgb_from_linear`."""
    values = np.clip(values, 0, 1)
    curved = np.power((np.maximum(values, 0.04045) + 0.055) / 1.055, 2.4)
    return np.where(values <= 0.04045, values / 12.92, curved).astype(np.float32)


def _to_floats(channels: Channels, pixel_format: PixelFormat) -> Floats:
    if pixel_format.is_float:
        # A canvas with wide range or broken pixels is clipped for the model; compositing uses the original.
        return np.clip(np.nan_to_num(channels.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0), 0, 1)
    top = np.float32(255 if pixel_format.bytes_per_channel == 1 else 65535)
    return channels.astype(np.float32) / top


def from_floats(values: Floats, pixel_format: PixelFormat) -> Channels:
    """Values 0 to 1 of any shape as a format has them in its channels; rounded where they are integers."""
    if pixel_format.is_float:
        return values.astype(dtype_of(pixel_format))
    top = 255 if pixel_format.bytes_per_channel == 1 else 65535
    return (np.clip(values, 0, 1) * np.float32(top) + np.float32(0.5)).astype(dtype_of(pixel_format))
