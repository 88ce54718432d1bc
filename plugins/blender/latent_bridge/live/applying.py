# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting a live frame into the image that it was made of."""

from __future__ import annotations

import bpy

from .. import images, session
from ..jobs import Variant
from ..pictures import picture_of, png
from ..vendored import areas, errors, pixels
from .preview import preview_name
from .share import LAYER, Share


def apply_frame(image: bpy.types.Image, share: Share) -> None:
    """Make the image what its frame shows, as one step of undo; files are made on the worker.

    Raises:
        BridgeError: `invalid_field` when there is no frame.
    """
    shown, area = bpy.data.images.get(preview_name(image)), share.preview.area
    if shown is None or area is None:
        problem = f"There is no frame of “{image.name}” yet."
        raise errors.BridgeError(errors.ErrorCode.INVALID_FIELD, problem, hint="Press Live first.")
    held, name, canvas = _scaled(shown, area), image.name, share.canvas
    settings = share.preview.info.settings
    title = (settings.prompt if settings is not None else "") or "Live"
    seed = settings.seed if settings is not None else 0
    present = session.current()

    def make() -> tuple[bytes, bytes]:
        before = canvas.read(layer=LAYER)
        return png(before), png(pasted(before, picture_of(held), area))

    def made(files: tuple[bytes, bytes] | None, error: errors.BridgeError | None) -> None:
        image = bpy.data.images.get(name)
        if files is not None and image is not None:
            variant = Variant(0, canvas.width, canvas.height, file=files[1], seed=seed)
            present.apply(image, title, variant, files[0])
        elif error is not None:
            present.say(str(error))

    present.connection.in_background(make, made)


def pasted(below: pixels.Picture, above: pixels.Picture, area: areas.Area) -> pixels.Picture:
    """`above`, as large as the area, over that part of `below`; both rgba8 with straight alpha."""
    data, source = bytearray(below.pixels), memoryview(above.pixels)
    row = area.width * 4
    for y in range(area.height):
        start = ((area.y + y) * below.width + area.x) * 4
        line = source[y * row : (y + 1) * row]
        if bytes(line[3::4]) == b"\xff" * area.width:
            data[start : start + row] = line
        else:
            data[start : start + row] = _over(line, data[start : start + row])
    return pixels.Picture(below.width, below.height, pixels.PixelFormat.RGBA8, bytes(data))


def _over(above: memoryview, below: bytearray) -> bytes:
    out = bytearray(below)
    for at in range(0, len(out), 4):
        top, bottom = above[at + 3], below[at + 3]
        alpha = top * 255 + bottom * (255 - top)  # of 255²
        if top and alpha:
            for channel in range(at, at + 3):
                mixed = above[channel] * top * 255 + below[channel] * bottom * (255 - top)
                out[channel] = (mixed + alpha // 2) // alpha
            out[at + 3] = (alpha + 127) // 255
    return bytes(out)


def _scaled(shown: bpy.types.Image, area: areas.Area) -> images.HostPixels:
    """The frame's pixels at the size of the area, by Blender's own scaling."""
    if tuple(shown.size) == (area.width, area.height):
        return images.read(shown)
    held = images.read(shown)
    copy = bpy.data.images.new(f"{shown.name[:50]} scaled", held.width, held.height, alpha=True)
    try:
        copy.pixels.foreach_set(held.values)
        copy.scale(area.width, area.height)
        return images.read(copy)
    finally:
        bpy.data.images.remove(copy)
