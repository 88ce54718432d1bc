"""Figures of quality as pure functions of pictures, so that benchmarks and tests measure the same thing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Axis = Literal["x", "y"]
Values = npt.NDArray[Any]


def wrap_discontinuity_ratio(picture: Values, axis: Axis) -> float:
    """How much a picture jumps where it meets itself when it is tiled, against how much it jumps inside.

    The mean absolute difference between the last and the first column (rows for "y"), divided by the median of that
    between neighbouring columns inside. 1 is a seam that nobody can tell from the rest.

    Args:
        picture: (height, width) or (height, width, channels), any numeric dtype; at least two columns (rows).

    Returns:
        0 or more; infinity when a picture that is constant along the axis inside jumps at its wrap, 1 when it does not.
    """
    columns = _along(picture, axis)
    wrap = _jump(columns[0], columns[-1])
    inside = float(np.median(_jumps(columns)))
    return _ratio(wrap, inside)


def tile_border_ratio(picture: Values, borders: Iterable[int], axis: Axis, *, reach: int = 2) -> float:
    """How much a picture jumps at the borders of the tiles that it was made of, against elsewhere.

    The mean of the jumps (mean absolute difference between neighbouring columns, rows for "y") within `reach` of a
    border, divided by the mean of those further away. 1 is a border that nobody can tell from the rest.

    Args:
        picture: (height, width) or (height, width, channels), any numeric dtype.
        borders: for every border the first column (row) of the tile that begins there, or the last of one that ends.
        reach: how many jumps on each side of a border belong to it.

    Returns:
        0 or more, as `wrap_discontinuity_ratio`.

    Raises:
        ValueError: when no jump, or every jump, belongs to a border.
    """
    jumps = _jumps(_along(picture, axis))
    near = np.zeros(len(jumps), bool)
    for border in borders:
        # Jump n lies between columns n and n + 1.
        near[max(0, border - reach) : max(0, border + reach)] = True
    if near.all() or not near.any():
        raise ValueError("no border inside the picture, or nothing but borders")
    return _ratio(float(jumps[near].mean()), float(jumps[~near].mean()))


def _along(picture: Values, axis: Axis) -> Values:
    """Columns (or rows) first, as floats."""
    values = np.asarray(picture, dtype=np.float64)
    return np.moveaxis(values, 1 if axis == "x" else 0, 0)


def _jumps(columns: Values) -> Values:
    differences: Values = np.abs(np.diff(columns, axis=0))
    return differences.reshape(len(differences), -1).mean(axis=1)


def _jump(one: Values, other: Values) -> float:
    return float(np.abs(one - other).mean())


def _ratio(jump: float, usual: float) -> float:
    if usual > 0:
        return jump / usual
    return 1.0 if jump == 0 else float("inf")
