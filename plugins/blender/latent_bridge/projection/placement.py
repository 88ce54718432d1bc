# SPDX-License-Identifier: GPL-3.0-or-later
"""Where cameras stand around the objects. Pure."""

from __future__ import annotations

import math


def directions(arrangement: str, count: int, elevation: float) -> list[tuple[float, float, float]]:
    """Unit vectors from the objects to their cameras.

    Args:
        arrangement: `ring`, all at one elevation, the first at the front (-y); `sphere`, evenly all around.
        count: how many.
        elevation: of a ring, radians.
    """
    if arrangement == "ring":
        angles = [2 * math.pi * index / count - math.pi / 2 for index in range(count)]
        level = math.cos(elevation)
        return [(math.cos(angle) * level, math.sin(angle) * level, math.sin(elevation)) for angle in angles]
    turn = math.pi * (3 - math.sqrt(5))  # the golden angle: no two are near each other
    heights = [1 - 2 * (index + 0.5) / count for index in range(count)]
    return [
        (math.cos(turn * index) * math.sqrt(1 - z * z), math.sin(turn * index) * math.sqrt(1 - z * z), z)
        for index, z in enumerate(heights)
    ]
