# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between two states of a picture, and the byte orders of Krita and of shared canvases. Pure."""

from __future__ import annotations

from ..vendored import areas

SIDE = areas.TILE_SIDE
CHANNELS = 4


def bands_of(height: int) -> range:
    """Numbers of the rows of tiles that a picture of this height has."""
    return range(areas.tiles_across(height))


def band_area(band: int, width: int, height: int) -> areas.Area:
    """A row of tiles; the last may be lower than the others."""
    return areas.Area(0, band * SIDE, width, min(SIDE, height - band * SIDE))


def differing(area: areas.Area, before: bytes, after: bytes) -> list[areas.Area]:
    """The tiles of a row of tiles whose pixels differ, put together to rectangles.

    Args:
        area: the row, or a part of it; at most 64 pixels high.
        before: 4 bytes a pixel, rows top-down and tight.
        after: likewise.
    """
    if before == after:
        return []
    stride, found = area.width * CHANNELS, []
    for left in range(0, area.width, SIDE):
        width = min(SIDE, area.width - left)
        start, length = left * CHANNELS, width * CHANNELS
        rows = range(start, start + area.height * stride, stride)
        if any(before[row : row + length] != after[row : row + length] for row in rows):
            found.append(areas.Area(area.x + left, area.y, width, area.height))
    return areas.gathered(found)


def changed_rows(before: bytes, after: bytes, rows: int) -> range | None:
    """From the first to the last row in which two small pictures differ; None when they are the same.

    Pictures of different size differ everywhere.
    """
    if before == after:
        return None
    if len(before) != len(after):
        return range(rows)
    stride = len(after) // rows
    which = [row for row in range(rows) if before[row * stride :][:stride] != after[row * stride :][:stride]]
    return range(which[0], which[-1] + 1) if which else None


def swapped(pixels: bytes) -> bytes:
    """BGRA as RGBA, and the other way round."""
    data = bytearray(pixels)
    data[0::4], data[2::4] = data[2::4], data[0::4]
    return bytes(data)
