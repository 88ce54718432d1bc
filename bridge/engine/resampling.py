"""Scaling of `float32` pictures and masks."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from bridge.protocol.tasks import Seamless

from .conversion import Floats

Box = tuple[float, float, float, float]
"""Left, top, right and bottom within a picture, in px."""
LANCZOS_REACH = 3
"""Pixels of the smaller picture that Lanczos looks at on each side."""


def resize(values: Floats, width: int, height: int) -> Floats:
    """Scale (h, w) or (h, w, channels) by Lanczos, clipped to 0 to 1; the same array when the size is right.

    Shrinking averages over the whole footprint of a pixel, so that nothing aliases.
    """
    if values.shape[:2] == (height, width):
        return values
    return lanczos(values, width, height)


def resize_around(values: Floats, width: int, height: int, sides: Seamless) -> Floats:
    """As `resize`, for a picture that continues across `sides`: what lies beyond them is the opposite side."""
    rows, columns = values.shape[:2]
    if (columns, rows) == (width, height) or sides == "none":
        return resize(values, width, height)
    top = _reach(rows, height) if "y" in sides else 0
    left = _reach(columns, width) if "x" in sides else 0
    padded = np.pad(values, [(top, top), (left, left)] + [(0, 0)] * (values.ndim - 2), mode="wrap")
    return lanczos(padded, width, height, (left, top, left + columns, top + rows))


def lanczos(values: Floats, width: int, height: int, box: Box | None = None) -> Floats:
    """Scale (h, w) or (h, w, channels), or a box of it, clipped to 0 to 1."""
    planes = values[..., None] if values.ndim == 2 else values
    scaled = np.empty((height, width, planes.shape[-1]), dtype=np.float32)
    for channel in range(planes.shape[-1]):
        plane = Image.fromarray(np.ascontiguousarray(planes[..., channel], dtype=np.float32))
        scaled[..., channel] = np.asarray(plane.resize((width, height), Image.Resampling.LANCZOS, box=box))
    np.clip(scaled, 0, 1, out=scaled)
    return scaled[..., 0] if values.ndim == 2 else scaled


def _reach(before: int, after: int) -> int:
    """How many pixels beyond an edge the filter looks at."""
    return math.ceil(LANCZOS_REACH * max(1.0, before / after)) + 1


def resize_mask(values: Floats, width: int, height: int) -> Floats:
    """Scale (h, w) without overshoot: triangle filter, so that 0 and 1 stay 0 and 1 away from edges."""
    if values.shape == (height, width):
        return values
    plane = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    scaled: Floats = np.asarray(plane.resize((width, height), Image.Resampling.BILINEAR))
    return np.clip(scaled, 0, 1)


def crop_centre(values: Floats, width: int, height: int) -> Floats:
    """The middle of a picture that is at least as large."""
    top, left = (values.shape[0] - height) // 2, (values.shape[1] - width) // 2
    return values[top : top + height, left : left + width]


def pad_edges(values: Floats, width: int, height: int) -> Floats:
    """The picture in the middle of a larger one, its outermost pixels repeated; undone by `crop_centre`."""
    rows, columns = height - values.shape[0], width - values.shape[1]
    if rows == 0 and columns == 0:
        return values
    sides = [(rows // 2, rows - rows // 2), (columns // 2, columns - columns // 2)]
    return np.pad(values, sides + [(0, 0)] * (values.ndim - 2), mode="edge")
