# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures for panels: Blender's icons made of a job's previews and variants."""

from __future__ import annotations

import array

import bpy
import bpy.utils.previews

from ..vendored import pixels


class _Icons:
    """Blender's collection of icons, and which picture each one shows."""

    collection: bpy.utils.previews.ImagePreviewCollection | None = None
    shown: dict[str, pixels.Picture] = {}


def icon(key: str, picture: pixels.Picture) -> int:
    """The icon that shows an rgb8 or rgba8 picture; the same key is exchanged when its picture is another."""
    collection = _Icons.collection
    entry = collection.get(key) or collection.new(key)
    if _Icons.shown.get(key) is not picture:
        _Icons.shown[key] = picture
        entry.image_size = (picture.width, picture.height)
        entry.image_pixels_float.foreach_set(_floats(picture))
    return entry.icon_id


def _floats(picture: pixels.Picture) -> array.array:
    """RGBA, rows from the bottom. Small pictures only: this is plain Python on the main thread."""
    step = picture.format.bytes_per_pixel
    values, row = array.array("f"), picture.width * step
    data = bytes(picture.pixels)
    for start in range(row * (picture.height - 1), -1, -row):
        for pixel in range(start, start + row, step):
            values.extend(value / 255 for value in data[pixel : pixel + step])
            if step == 3:
                values.append(1.0)
    return values


def register() -> None:
    """Make the collection; background mode draws nothing."""
    _Icons.collection = bpy.utils.previews.new()


def unregister() -> None:
    """Free it."""
    bpy.utils.previews.remove(_Icons.collection)
    _Icons.collection, _Icons.shown = None, {}
