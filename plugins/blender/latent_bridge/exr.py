# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of floats as files that Blender reads itself: OpenEXR, uncompressed. Pure; the standard library alone.

OpenEXR File Layout (openexr.com, version 2): a header of attributes, the offset of every row, then the rows, in each
all values of one channel after those of another, channels by name. Little-endian, as the protocol's floats are.
"""

from __future__ import annotations

import struct

from .vendored import pixels

MAGIC, VERSION = 20000630, 2
FLOAT, UNCOMPRESSED, TOP_DOWN = 2, 0, 0
CHANNELS = (("A", 3), ("B", 2), ("G", 1), ("R", 0))
"""In the order of the file, with their place in a pixel."""


def exr(picture: pixels.Picture) -> bytes:
    """A file with every value of an rgba32f picture in linear light as it is.

    Raises:
        ValueError: for any other format.
    """
    if picture.format is not pixels.PixelFormat.RGBA32F:
        raise ValueError(f"a {picture.format.value} picture is not made an EXR")
    head = struct.pack("<II", MAGIC, VERSION) + _header(picture.width, picture.height)
    row_bytes = 4 * 4 * picture.width
    first = len(head) + 8 * picture.height
    offsets = range(first, first + picture.height * (8 + row_bytes), 8 + row_bytes)
    values = memoryview(picture.pixels).cast("B").cast("f")
    rows = []
    for y in range(picture.height):
        row = values[4 * picture.width * y : 4 * picture.width * (y + 1)]
        rows.append(struct.pack("<ii", y, row_bytes))
        rows.extend(row[place::4].tobytes() for _, place in CHANNELS)
    return b"".join([head, struct.pack(f"<{picture.height}Q", *offsets), *rows])


def _header(width: int, height: int) -> bytes:
    channels = b"".join(name.encode() + b"\0" + struct.pack("<iB3xii", FLOAT, 0, 1, 1) for name, _ in CHANNELS) + b"\0"
    window = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    attributes = (
        ("channels", "chlist", channels),
        ("compression", "compression", bytes([UNCOMPRESSED])),
        ("dataWindow", "box2i", window),
        ("displayWindow", "box2i", window),
        ("lineOrder", "lineOrder", bytes([TOP_DOWN])),
        ("pixelAspectRatio", "float", struct.pack("<f", 1)),
        ("screenWindowCenter", "v2f", struct.pack("<ff", 0, 0)),
        ("screenWindowWidth", "float", struct.pack("<f", 1)),
    )
    return b"".join(
        name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value
        for name, kind, value in attributes
    ) + bytes(1)
