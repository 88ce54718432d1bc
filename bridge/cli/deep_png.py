"""PNGs with 16 bits per channel of colour, which pillow cannot write (PNG, third edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bridge.protocol.pixels import Picture

if TYPE_CHECKING:
    from PIL.PngImagePlugin import PngInfo

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TRUECOLOUR = 2
_FILTER_SUB = 1
_LEVEL = 6


def encode_rgb16(picture: Picture, info: PngInfo) -> bytes:
    """The bytes of a PNG.

    Args:
        picture: rgb16.
        info: what else the file shall say.
    """
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 16, _TRUECOLOUR, 0, 0, 0)
    chunks = [(b"IHDR", header), *((chunk[0], chunk[1]) for chunk in info.chunks)]
    chunks += [(b"IDAT", _deflated(picture)), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)


def _deflated(picture: Picture) -> bytes:
    compressor = zlib.compressobj(_LEVEL)
    return b"".join(compressor.compress(row) for row in _filtered(picture)) + compressor.flush()


def _filtered(picture: Picture) -> Iterator[bytes]:
    """Rows, big-endian, each byte minus that of the pixel to its left (filter Sub)."""
    import numpy as np

    pixels = np.frombuffer(picture.pixels, "<u2").reshape(picture.height, picture.width * 3)
    for row in pixels:
        values = row.astype(">u2").view(np.uint8)
        values[6:] -= values[:-6].copy()
        yield bytes([_FILTER_SUB]) + values.tobytes()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
