# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks and alpha channels as bytes and as text. Pure."""

from __future__ import annotations

import base64
import binascii
import zlib

_INVERSION = bytes(range(255, -1, -1))


def packed(mask: bytes) -> str:
    """A mask as text; hard selections shrink to next to nothing."""
    return base64.b64encode(zlib.compress(mask, 1)).decode() if mask else ""


def unpacked(text: str, size: int) -> bytes:
    """The mask of a text, `size` bytes; empty when the text is damaged or of another size."""
    try:
        mask = zlib.decompress(base64.b64decode(text, validate=True))
    except (binascii.Error, zlib.error, ValueError):
        return b""
    return mask if len(mask) == size else b""


def inverted(mask: bytes) -> bytes:
    """255 where it was 0."""
    return mask.translate(_INVERSION)


def alpha_of(bgra: bytes) -> bytes:
    """The alpha channel of BGRA pixels."""
    return bytes(bgra[3::4])


def with_alpha(bgra: bytes, alpha: bytes) -> bytes:
    """BGRA pixels with another alpha channel of the same size."""
    pixels = bytearray(bgra)
    pixels[3::4] = alpha
    return bytes(pixels)
