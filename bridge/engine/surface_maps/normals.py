"""Normals of a height field, and how they are written as colours."""

from __future__ import annotations

import numpy as np

from bridge.engine.conversion import Floats

from .sides import Sides


def slopes_of(elevation: Floats, sides: Sides) -> tuple[Floats, Floats]:
    """Slopes (height, width) to the right and downwards in the picture.

    Central differences, of second order also at sides that do not wrap: a plane keeps its slope up to the edge.

    Args:
        elevation: (height, width), in px.
        sides: how it continues.
    """
    return _slope(elevation, 1, sides.wrap_x), _slope(elevation, 0, sides.wrap_y)


def normals_of(slope_x: Floats, slope_y: Floats, *, y_down: bool = False) -> Floats:
    """Unit normals (height, width, 3) in tangent space: x to the right, z out of the surface.

    Args:
        slope_x: slope to the right.
        slope_y: slope downwards in the picture.
        y_down: y points down in the picture, as DirectX has it; otherwise up, as OpenGL and Blender have it.
    """
    length = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    up = -slope_y if y_down else slope_y
    return np.stack((-slope_x * length, up * length, length), axis=-1).astype(np.float32)


def as_colours(normals: Floats) -> Floats:
    """From -1…1 to 0…1, the usual way to write normals."""
    return normals * np.float32(0.5) + np.float32(0.5)


def _slope(elevation: Floats, axis: int, wraps: bool) -> Floats:
    length = elevation.shape[axis]
    if length < 3 and not wraps:
        return np.asarray(np.gradient(elevation, axis=axis) if length == 2 else np.zeros_like(elevation))
    if wraps:
        return np.asarray((np.roll(elevation, -1, axis) - np.roll(elevation, 1, axis)) / 2)
    return np.asarray(np.gradient(elevation, axis=axis, edge_order=2), np.float32)
