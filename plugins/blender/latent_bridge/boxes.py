# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes in an image. Pure."""

from __future__ import annotations

Box = tuple[int, int, int, int]
"""Left, bottom, right, top in pixels from the lower left; right and top are exclusive."""

SIDE_MULTIPLE = 8
"""Pixels. Dragged sides come in these steps: what models compute in."""


def pixel_box(one: tuple[float, float], other: tuple[float, float], size: tuple[int, int]) -> Box:
    """The box between two corners, each 0 to 1 inside the image and beyond that outside it."""
    left, right = sorted(round(corner[0] * size[0]) for corner in (one, other))
    bottom, top = sorted(round(corner[1] * size[1]) for corner in (one, other))
    return left, bottom, right, top


def grown_sides(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """How far the box reaches beyond the image: left, top, right, bottom in pixels, in steps of `SIDE_MULTIPLE`."""
    left, bottom, right, top = box
    return _step(-left), _step(top - size[1]), _step(right - size[0]), _step(-bottom)


def _step(pixels: int) -> int:
    return max(0, round(pixels / SIDE_MULTIPLE) * SIDE_MULTIPLE)
