"""Smooth and cellular noise, the building blocks of the materials. All arrays are float32."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

_TABLE = 64


@lru_cache(maxsize=512)
def _spline_weights(size: int, cells: int) -> Field:
    """Return the (size, cells + 3) matrix of uniform cubic B-spline weights over `cells` knots."""
    position = (np.arange(size, dtype=np.float32) + 0.5) * (cells / size)
    knot = np.minimum(position.astype(np.int64), cells - 1)
    t = position - knot
    basis = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    weights = np.zeros((size, cells + 3), np.float32)
    np.put_along_axis(weights, knot[:, None] + np.arange(4), basis.astype(np.float32), axis=1)
    return weights


def smooth_noise(rng: np.random.Generator, size: int, cells_y: int, cells_x: int) -> Field:
    """Return cubic B-spline noise (size, size) of about unit variance with the given number of cells."""
    grid = rng.standard_normal((cells_y + 3, cells_x + 3), dtype=np.float32)
    # A cubic B-spline keeps about 0.48 of the standard deviation along each axis.
    return (_spline_weights(size, cells_y) @ grid @ _spline_weights(size, cells_x).T) * np.float32(2.1)


def fractal_noise(
    rng: np.random.Generator, size: int, wavelength: float, octaves: int = 4, gain: float = 0.5, stretch: float = 1.0
) -> Field:
    """Return a sum of octaves of smooth noise, about unit variance.

    `wavelength` is the coarsest feature size in pixels; `stretch` > 1 lengthens features along x,
    < 1 along y.
    """
    total = np.zeros((size, size), np.float32)
    power = 0.0
    for octave in range(octaves):
        cells = size / wavelength * 2**octave
        if octave and cells > size / 2:
            break
        cells_y = int(np.clip(round(cells), 1, size // 2))
        cells_x = int(np.clip(round(cells / stretch), 1, size // 2))
        amplitude = gain**octave
        total += np.float32(amplitude) * smooth_noise(rng, size, cells_y, cells_x)
        power += amplitude**2
    return total / np.float32(np.sqrt(power))


@dataclass(frozen=True)
class Cells:
    """A Voronoi partition evaluated per pixel.

    `nearest` is the distance to the cell's own point and `border` the difference to the second nearest
    point (0 on a border), both in units of the cell size; `value` is one uniform number in [0, 1) per cell.
    """

    nearest: Field
    border: Field
    value: Field


def voronoi(rng: np.random.Generator, x: Field, y: Field, jitter: float = 0.8) -> Cells:
    """Partition the plane around one jittered point per unit square; `x`, `y` are in cell units."""
    points = ((rng.random((_TABLE, _TABLE, 2)) - 0.5) * jitter + 0.5).astype(np.float32)
    values = rng.random((_TABLE, _TABLE)).astype(np.float32)
    cell_x, cell_y = np.floor(x), np.floor(y)
    fraction_x, fraction_y = x - cell_x, y - cell_y
    column, row = cell_x.astype(np.int64), cell_y.astype(np.int64)
    first = np.full(x.shape, 9, np.float32)
    second = first.copy()
    value = np.zeros(x.shape, np.float32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            index = (row + dy) % _TABLE, (column + dx) % _TABLE
            point = points[index]
            squared = np.square(point[..., 0] + dx - fraction_x) + np.square(point[..., 1] + dy - fraction_y)
            closer = squared < first
            second = np.where(closer, first, np.minimum(second, squared))
            value = np.where(closer, values[index], value)
            first = np.where(closer, squared, first)
    first, second = np.sqrt(first), np.sqrt(second)
    return Cells(first, second - first, value)


def cell_values(rng: np.random.Generator, column: Field, row: Field) -> Field:
    """Return one uniform number in [0, 1) per (integer-valued) column and row."""
    table = rng.random((_TABLE, _TABLE)).astype(np.float32)
    return table[row.astype(np.int64) % _TABLE, column.astype(np.int64) % _TABLE]


def smoothstep(low: float, high: float, value: Field) -> Field:
    """Return the cubic ramp from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def relief(height: Field, direction: float, strength: float) -> Field:
    """Return the shading (about 1) of a height field lit from the angle `direction` in radians."""
    dy, dx = np.gradient(height)
    return 1 + np.float32(strength) * (np.float32(np.cos(direction)) * dx + np.float32(np.sin(direction)) * dy)
