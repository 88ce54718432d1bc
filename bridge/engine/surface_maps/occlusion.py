"""Ambient occlusion of a height field: the share of the light of an even sky that reaches each point.

Along each of a few directions the horizon is searched (Max, "Horizon mapping", 1988; Bavoil and Sainz, "Image-space
horizon-based ambient occlusion", 2008); what lies above it is integrated in closed form, weighted by the cosine to the
surface's own normal (Dozier and Frew, "Rapid calculation of terrain parameters for radiation modeling from digital
elevation data", 1990, eq. 7). A plane, however steep, sees all of its sky.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from bridge.engine.conversion import Floats

from .normals import slopes_of
from .sides import Sides

DIRECTIONS: tuple[tuple[int, int], ...] = tuple(
    (x, y)
    for x, y in (
        (1, 0), (2, 1), (1, 1), (1, 2), (0, 1), (-1, 2), (-1, 1), (-2, 1),
        (-1, 0), (-2, -1), (-1, -1), (-1, -2), (0, -1), (1, -2), (1, -1), (2, -1),
    )
)  # fmt: skip
"""Steps right and down, in px. Whole pixels only, so that nothing is interpolated and planes are exact."""
REACH = 1 / 8
"""Share of the shorter side within which the horizon is searched."""
GROWTH = 1.2
"""Each sample lies this much farther away than the one before, once pixels allow it."""
ROWS = 64
"""Rows that are worked on together; they stay in the processor's cache."""


def occlusion_of(elevation: Floats, sides: Sides, on_direction: Callable[[int], None] = lambda done: None) -> Floats:
    """The visible share of the sky (height, width), 0 to 1; 1 is in the open.

    Args:
        elevation: (height, width), in px.
        sides: how it continues.
        on_direction: called with the number of directions done, after each; may raise to stop.
    """
    reach = max(1, round(min(elevation.shape) * REACH))
    padded = sides.padded(elevation, margin := 2 * reach)
    slope_x, slope_y = slopes_of(elevation, sides)
    normal_z = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    normal_x, normal_y = -slope_x * normal_z, -slope_y * normal_z
    visible = np.zeros_like(elevation)
    for done, ((x, y), angle) in enumerate(zip(DIRECTIONS, _angles(), strict=True), start=1):
        length = float(np.hypot(x, y))
        steps = [(x * n, y * n, length * n) for n in _distances(reach / length)]
        for rows in _strips(len(elevation)):
            horizon = _horizon(padded, rows, margin, steps)
            towards = (normal_x[rows] * np.float32(x) + normal_y[rows] * np.float32(y)) / np.float32(length)
            visible[rows] += np.float32(angle) * _sky(horizon, normal_z[rows], towards)
        on_direction(done)
    return np.asarray(np.clip(visible / (2 * np.pi), 0, 1), np.float32)


def _horizon(padded: Floats, rows: slice, margin: int, steps: list[tuple[int, int, float]]) -> Floats:
    """Tangent of the horizon's elevation seen from each point of some rows."""
    width = padded.shape[1] - 2 * margin
    top, bottom = rows.start + margin, rows.stop + margin
    here = padded[top:bottom, margin : margin + width]
    horizon = np.full(here.shape, -np.inf, np.float32)
    rise = np.empty_like(horizon)
    for x, y, distance in steps:
        np.subtract(padded[top + y : bottom + y, margin + x : margin + x + width], here, out=rise)
        rise *= np.float32(1 / distance)
        np.maximum(horizon, rise, out=horizon)
    return horizon


def _sky(horizon: Floats, normal_z: Floats, towards: Floats) -> Floats:
    """What is seen above a horizon, per radian of azimuth and times 2."""
    # With H from the zenith: sin² H = 1 / (1 + t²), sin H cos H = t / (1 + t²), t the tangent of the elevation.
    sine_squared = 1 / (1 + horizon * horizon)
    return np.asarray(normal_z * sine_squared + towards * (np.arctan2(np.float32(1), horizon) - horizon * sine_squared))


def _angles() -> list[float]:
    """The part of a turn that each direction stands for."""
    azimuths = [float(np.arctan2(y, x)) % (2 * np.pi) for x, y in DIRECTIONS]
    count = len(azimuths)
    return [((azimuths[(n + 1) % count] - azimuths[n - 1]) % (2 * np.pi)) / 2 for n in range(count)]


def _distances(reach: float) -> list[int]:
    """Multiples of a direction's step at which the horizon is looked for."""
    found, distance = [1], 1.0
    while (distance := max(distance + 1, distance * GROWTH)) <= reach:
        found.append(int(distance))
    return found


def _strips(rows: int) -> Iterator[slice]:
    for top in range(0, rows, ROWS):
        yield slice(top, min(top + ROWS, rows))
