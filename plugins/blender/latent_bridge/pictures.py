# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels between Blender and the protocol. Pure; runs on worker threads, with numpy where the host has it.

Blender: floats, RGBA, rows from the bottom. Protocol: rows from the top. Blender reads a packed file itself, so a
result goes back as a PNG: making one belongs to the worker, and packing it costs the main thread next to nothing.
"""

from __future__ import annotations

import array
import importlib
import struct
import zlib
from dataclasses import dataclass

from .exr import exr
from .vendored import pixels

STORED_UP_TO = 1 << 21
"""Pixels. Smaller pictures are packed without compression: decoding them is what the main thread has to do."""

EIGHT_BITS = {
    pixels.PixelFormat.GRAY16: pixels.PixelFormat.GRAY8,
    pixels.PixelFormat.RGB16: pixels.PixelFormat.RGB8,
    pixels.PixelFormat.RGBA16: pixels.PixelFormat.RGBA8,
}
"""The format of the higher bytes alone."""
PNG_KINDS = {
    pixels.PixelFormat.GRAY8: 0,
    pixels.PixelFormat.GRAY16: 0,
    pixels.PixelFormat.RGB8: 2,
    pixels.PixelFormat.RGB16: 2,
    pixels.PixelFormat.RGBA8: 6,
    pixels.PixelFormat.RGBA16: 6,
}
"""Colour type of a PNG (section 11.2.1)."""


@dataclass(frozen=True)
class HostPixels:
    """What Blender holds of an image.

    Attributes:
        width: pixels.
        height: pixels.
        values: `width * height * 4` float32, RGBA with straight alpha, rows from the bottom.
        linear: an image of floats in linear light; otherwise 8 bits, as they are encoded.
    """

    width: int
    height: int
    values: array.array
    linear: bool = False


def find_numpy():
    """numpy, or None: Debian's Blender may come without it."""
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None


def picture_of(held: HostPixels) -> pixels.Picture:
    """The picture to send: rgba8, bit-exact for 8-bit images, or linear rgba32f for images of floats."""
    if held.linear:
        data = _flipped(memoryview(held.values).cast("B"), held.width * 16, held.height)
        return pixels.Picture(held.width, held.height, pixels.PixelFormat.RGBA32F, data, pixels.ColourSpace.LINEAR_SRGB)
    data = _flipped(memoryview(_bytes_of(held.values)), held.width * 4, held.height)
    return pixels.Picture(held.width, held.height, pixels.PixelFormat.RGBA8, data)


def mask_of(held: HostPixels) -> pixels.Picture:
    """The mask that a painted image means: what is bright and opaque is repainted."""
    data = _bytes_of(held.values)
    numpy = find_numpy()
    if numpy is None:
        brightest = map(max, data[0::4], data[1::4], data[2::4])
        grey = bytes(value * alpha // 255 for value, alpha in zip(brightest, data[3::4], strict=True))
    else:
        rgba = numpy.frombuffer(data, dtype=numpy.uint8).reshape(-1, 4).astype(numpy.uint16)
        grey = (rgba[:, :3].max(axis=1) * rgba[:, 3] // 255).astype(numpy.uint8).tobytes()
    flipped = _flipped(memoryview(grey), held.width, held.height)
    return pixels.Picture(held.width, held.height, pixels.PixelFormat.GRAY8, flipped)


def box_mask(width: int, height: int, box: tuple[int, int, int, int]) -> pixels.Picture:
    """A mask that is white inside `left, bottom, right, top`, in pixels from the lower left; the box is cut to fit."""
    left, bottom, right, top = box
    left, right = sorted((max(0, min(left, width)), max(0, min(right, width))))
    bottom, top = sorted((max(0, min(bottom, height)), max(0, min(top, height))))
    white = bytes(left) + b"\xff" * (right - left) + bytes(width - right)
    rows = bytes(width * (height - top)) + white * (top - bottom) + bytes(width * bottom)
    return pixels.Picture(width, height, pixels.PixelFormat.GRAY8, rows)


def file_of(picture: pixels.Picture) -> bytes:
    """A picture as a file that Blender reads itself: OpenEXR where it has floats, else PNG."""
    return exr(picture) if picture.format.is_float else png(picture)


def png(picture: pixels.Picture) -> bytes:
    """A PNG file of a gray, rgb or rgba picture of 8 or 16 bits: every value as it is.

    Raises:
        ValueError: for any other format.
    """
    if picture.format not in PNG_KINDS:
        raise ValueError(f"a {picture.format.value} picture does not fit into a PNG")
    row = picture.width * picture.format.bytes_per_pixel
    data = memoryview(picture.pixels)
    if picture.format.bytes_per_channel == 2:
        data = memoryview(_swapped(data))
    lines = b"".join(b"\0" + data[start : start + row] for start in range(0, row * picture.height, row))
    level = 0 if picture.width * picture.height <= STORED_UP_TO else 1
    depth = 8 * picture.format.bytes_per_channel
    head = struct.pack(">IIBBBBB", picture.width, picture.height, depth, PNG_KINDS[picture.format], 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines, level)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _swapped(data: memoryview) -> bytes:
    """Numbers of 16 bits with their bytes exchanged: PNG has the higher one first."""
    out = bytearray(len(data))
    out[0::2], out[1::2] = data[1::2], data[0::2]
    return bytes(out)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _bytes_of(values: array.array) -> bytes:
    numpy = find_numpy()
    if numpy is None:
        return bytes([0 if value <= 0 else 255 if value >= 1 else int(value * 255 + 0.5) for value in values])
    scaled = numpy.frombuffer(values, dtype=numpy.float32) * numpy.float32(255)
    scaled += numpy.float32(0.5)
    return scaled.clip(0, 255).astype(numpy.uint8).tobytes()


def _flipped(data: memoryview, row: int, height: int) -> bytes:
    return b"".join(data[start : start + row] for start in range(row * (height - 1), -1, -row))


def thumbnail(picture: pixels.Picture, side: int = 128) -> pixels.Picture:
    """A small rgba8 look at a picture of 8 or 16 bits: its nearest pixels, `side` at the longer side."""
    if picture.format.bytes_per_channel == 2:
        high = bytes(memoryview(picture.pixels)[1::2])
        picture = pixels.Picture(picture.width, picture.height, EIGHT_BITS[picture.format], high)
    scale = max(1, max(picture.width, picture.height) / side)
    width, height = max(1, int(picture.width / scale)), max(1, int(picture.height / scale))
    step, row = picture.format.bytes_per_pixel, picture.width * picture.format.bytes_per_pixel
    columns = [int((x + 0.5) * picture.width / width) * step for x in range(width)]
    data, out = memoryview(picture.pixels), bytearray()
    for y in range(height):
        start = int((y + 0.5) * picture.height / height) * row
        for column in columns:
            pixel = bytes(data[start + column : start + column + step])
            out += pixel if step == 4 else (pixel[:1] * 3 if step == 1 else pixel) + b"\xff"
    return pixels.Picture(width, height, pixels.PixelFormat.RGBA8, bytes(out))
