"""What every material is made with: the plane it is seen on, shading, layers and grain."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.textures.noise import Field, fractal_noise
from training.textures.palette import Image


@dataclass(frozen=True)
class Plane:
    """Where a material is evaluated: coordinates in pixels at scale 1, after zoom, turn and perspective.

    `x`, `y` have shape (size, size); `scale` is the zoom, i.e. how many pixels one unit spans.
    """

    x: Field
    y: Field
    scale: float

    @property
    def size(self) -> int:
        return self.x.shape[0]


Material = Callable[[np.random.Generator, Plane, Image], Image]


def shade(colour: Image, value: Field) -> Image:
    """Darken (`value` < 1) or lighten towards white (`value` > 1) one colour per pixel.

    Lightening is additive so that black surfaces show their structure too.
    """
    dark = colour * np.clip(value, 0, 1)[..., None]
    return dark + (1 - colour) * (0.4 * np.clip(value - 1, 0, 1.5))[..., None]


def blend(below: Image, above: Image, weight: Field) -> Image:
    """Lay `above` over `below` with a weight in [0, 1] of shape (size, size)."""
    return below + (above - below) * weight[..., None]


def grain(rng: np.random.Generator, plane: Plane, wavelength: float, octaves: int = 2) -> Field:
    """Return noise of about unit variance whose coarsest features are `wavelength` long, in pixels at scale 1."""
    return fractal_noise(rng, plane.size, max(2.0, wavelength * plane.scale), octaves)


def neutral(rng: np.random.Generator, low: float, high: float) -> Image:
    """Return a slightly warm grey, shape (3,), of a lightness between `low` and `high`."""
    level = rng.uniform(low, high)
    return np.array([level, level * 0.98, level * 0.94], np.float32)
