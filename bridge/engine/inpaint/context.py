"""Which part of the canvas the model gets to see, and how large."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.engine.plan import Sizing

MAX_ASPECT = 2.0
"""Crops are no longer than this; models know no panoramas."""
KEEP_ABOVE_NATIVE = 1.25
"""A crop up to this many times the native side is computed as it is, since scaling costs sharpness."""
MAX_ENLARGEMENT = 2.0
"""More than this adds nothing that survives scaling back."""


class Rect(NamedTuple):
    """A rectangle of pixels; right and bottom are exclusive."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column beyond."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row beyond."""
        return self.y + self.height

    @property
    def rows_columns(self) -> tuple[slice, slice]:
        """To index an array of rows and columns with."""
        return slice(self.y, self.bottom), slice(self.x, self.right)

    def grown(self, by: int, canvas_width: int, canvas_height: int) -> Rect:
        """Larger by `by` on every side, within the canvas."""
        x, y = max(0, self.x - by), max(0, self.y - by)
        right, bottom = min(canvas_width, self.right + by), min(canvas_height, self.bottom + by)
        return Rect(x, y, right - x, bottom - y)


def bounds_of(mask: npt.NDArray[Any]) -> Rect | None:
    """The smallest rectangle around everything above 0 in a mask (height, width); None when there is nothing."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    left, right = int(columns[0]), int(columns[-1]) + 1
    return Rect(left, top, right - left, bottom - top)


def default_context(bounds: Rect, canvas_width: int, canvas_height: int) -> int:
    """Surroundings to show on every side, in px: half the mask's mean side, or a sixteenth of the canvas if more."""
    return math.ceil(max(max(canvas_width, canvas_height) / 16, (bounds.width + bounds.height) / 4, 32))


def crop_rect(needed: Rect, margin: int, smallest: int, multiple: int, canvas_width: int, canvas_height: int) -> Rect:
    """The crop to show: `needed` with a margin, not too small, not too long, in multiples, within the canvas.

    Args:
        needed: what the crop has to contain.
        margin: px to add on every side.
        smallest: least side in px, where the canvas has as much.
        multiple: sides become multiples of this, where the canvas has as much.
    """
    width, height = (max(side + 2 * margin, smallest) for side in (needed.width, needed.height))
    width, height = max(width, math.ceil(height / MAX_ASPECT)), max(height, math.ceil(width / MAX_ASPECT))
    x, width = _span(needed.x, needed.width, width, multiple, canvas_width)
    y, height = _span(needed.y, needed.height, height, multiple, canvas_height)
    return Rect(x, y, width, height)


def compute_size(crop: Rect, sizing: Sizing) -> tuple[int, int]:
    """The size (width, height) at which the model computes a crop, in its multiples.

    As it is while the model composes that in one go; reduced to what it likes best above, enlarged below.
    """
    side = math.sqrt(crop.width * crop.height)
    scale = 1.0
    if side > max(sizing.native * KEEP_ABOVE_NATIVE, sizing.whole):
        scale = max(sizing.native, sizing.whole) / side
    elif side < sizing.native:
        # A canvas far below the native size still has to be brought to where the model paints anything at all.
        scale = min(sizing.native / side, max(MAX_ENLARGEMENT, sizing.enlargement(crop.width, crop.height)))
    return sizing.nearest(crop.width * scale), sizing.nearest(crop.height * scale)


def _span(start: int, length: int, wanted: int, multiple: int, limit: int) -> tuple[int, int]:
    """Place `wanted` (rounded up to the multiple) around a span, shifted and cut to fit 0 to `limit`."""
    size = min(limit, math.ceil(wanted / multiple) * multiple)
    place = start + (length - size) // 2
    return max(0, min(place, limit - size)), size
