"""A pen on a canvas: a trace of strokes to replay, the same every time.

The strokes are drawn up, not recorded from a hand: each goes from one point to another along an arc at the speed that
hands have (minimum jerk: Flash and Hogan, "The coordination of arm movements", 1985), with pauses in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bridge.protocol.areas import Area

RATE = 60
"""Positions of the pen in a second, as tablets and programs deliver them."""
STROKE_SECONDS, PAUSE_SECONDS = 0.8, 0.5


@dataclass(frozen=True)
class Position:
    """Where the pen is.

    Attributes:
        seconds: since the beginning.
        x: 0 to 1 of the canvas.
        y: likewise.
    """

    seconds: float
    x: float
    y: float


def trace(seconds: float, seed: int = 3) -> Iterator[Position]:
    """Positions while the pen is down, for so many seconds, pauses included."""
    rng = np.random.default_rng(seed)
    began, point = 0.0, rng.uniform(0.1, 0.9, 2)
    while began < seconds:
        target, bend = rng.uniform(0.1, 0.9, 2), rng.uniform(-0.3, 0.3)
        for step in range(int(STROKE_SECONDS * RATE)):
            share = step / (STROKE_SECONDS * RATE)
            along = share**3 * (10 - 15 * share + 6 * share**2)
            across = np.array((point[1] - target[1], target[0] - point[0])) * bend * np.sin(np.pi * along)
            x, y = np.clip(point + (target - point) * along + across, 0.05, 0.95)
            now = began + step / RATE
            if now < seconds:
                yield Position(now, float(x), float(y))
        began += STROKE_SECONDS + PAUSE_SECONDS
        point = rng.uniform(0.1, 0.9, 2)


class Painting:
    """RGBA8 pixels that are painted on with a soft round brush."""

    def __init__(self, side: int, diameter: int = 48) -> None:
        self.pixels = np.full((side, side, 4), 255, np.uint8)
        self.pixels[..., :3] = (150, 140, 130)
        distance = np.hypot(*np.mgrid[:diameter, :diameter] - (diameter - 1) / 2) / (diameter / 2)
        self._brush = np.clip(1.5 * (1 - distance), 0, 1)[..., None]
        self._colours = np.random.default_rng(1).integers(0, 256, (16, 3))
        self._dabs = 0

    def dab(self, position: Position) -> Area:
        """Put the brush down; returns where that changed anything."""
        side, diameter = len(self.pixels), len(self._brush)
        left, top = (round(part * side - diameter / 2) for part in (position.x, position.y))
        area = Area(left, top, diameter, diameter).common(Area(0, 0, side, side))
        if area is None:
            raise ValueError("the pen is beyond the canvas")
        part = self.pixels[area.y : area.bottom, area.x : area.right, :3]
        brush = self._brush[area.y - top : area.bottom - top, area.x - left : area.right - left]
        colour = self._colours[self._dabs // RATE % len(self._colours)]
        part[:] = (part * (1 - brush) + colour * brush).astype(np.uint8)
        self._dabs += 1
        return area
