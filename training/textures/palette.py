"""The named colours, and the rule that says which of them a picture shows.

The rule is the one the evaluation and the tests use: the *dominant colour* of a picture is the median of
its CIELAB values, channel by channel, and its *name* is the palette entry with the smallest weighted
distance ΔE, where a difference in lightness counts half. Light and shade change lightness within one
material (joints, grain, relief), so full weight on it would call a shaded orange wall brown.
"""

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab

Image = NDArray[np.float32]

#: Colour names and their sRGB values in 0..255.
PALETTE = MappingProxyType(
    {
        "red": (190, 35, 35),
        "orange": (232, 125, 30),
        "yellow": (235, 210, 55),
        "green": (55, 140, 55),
        "blue": (40, 85, 195),
        "purple": (120, 50, 165),
        "pink": (235, 135, 175),
        "brown": (115, 72, 42),
        "black": (30, 30, 33),
        "white": (235, 235, 232),
        "grey": (130, 130, 130),
        "teal": (30, 150, 150),
    }
)
COLOURS = tuple(PALETTE)

LIGHTNESS_WEIGHT = 0.5


def colour_value(name: str) -> Image:
    """Return the sRGB value of a named colour, shape (3,), in [0, 1]."""
    return np.array(PALETTE[name], np.float32) / 255


_PALETTE_LAB = rgb2lab(np.array(list(PALETTE.values()), np.float32)[None] / 255)[0].astype(np.float32)


def dominant_lab(picture: Image) -> Image:
    """Return the median CIELAB colour, shape (3,), of an sRGB picture (height, width, 3) in [0, 1]."""
    return np.median(rgb2lab(picture).reshape(-1, 3), axis=0).astype(np.float32)


def colour_distances(picture: Image) -> Image:
    """Return the weighted ΔE from the picture's dominant colour to each entry of COLOURS, in order."""
    difference = _PALETTE_LAB - dominant_lab(picture)
    difference[:, 0] *= LIGHTNESS_WEIGHT
    return np.sqrt(np.square(difference).sum(axis=1))


def nearest_colour(picture: Image) -> str:
    """Return the name of the palette colour that a picture (height, width, 3) in [0, 1] mostly shows."""
    return COLOURS[int(np.argmin(colour_distances(picture)))]
