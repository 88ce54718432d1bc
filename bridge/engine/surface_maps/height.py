"""Height from luminance: dark is deep.

Under an overcast sky a point is the darker the less sky it sees, so luminance orders heights (Langer and Zucker,
"Shape-from-shading on a cloudy day", 1994), and observers take relief made that way for real (Glencross et al., "A
perceptually validated model for surface depth hallucination", 2008). Pigment darkens as well. As in Retinex (Land and
McCann, "Lightness and Retinex theory", 1971) strong edges are taken for changes of pigment more than of height: their
gradients are compressed (Fattal et al., "Gradient domain high dynamic range compression", 2002) before the field is
integrated again.
"""

from __future__ import annotations

import numpy as np

from bridge.engine.conversion import Floats, linear_from_srgb

from .sides import Sides

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Of linear RGB, ITU-R BT.709."""
DARKEST = 0.01
"""Added to luminance before the logarithm: below it there is more noise than light."""
COMPRESSION = 0.8
"""Exponent of gradients, relative to their usual size. 1 would take all darkness for depth."""
LARGEST_FORM = 1 / 5
"""Share of the shorter side beyond which shading is that of the photograph, not of the surface."""
FINEST_FORM = 1 / 250
"""Share of the shorter side below which forms count as detail."""
OUTLIERS = 0.1
"""Percentage of pixels at either end that may be cut off by the range of the map."""
ROWS = 256
"""Rows whose colours are made linear together."""
FLAT = 1e-4
"""Difference of log luminance below which there is nothing but rounding."""


def estimated_height(rgb: Floats, sides: Sides, detail: float, *, light_is_deep: bool = False) -> Floats:
    """Height (height, width), 0 at the lowest point and 1 at the highest; 0.5 everywhere when nothing can be told.

    Args:
        rgb: base colour (height, width, 3), sRGB, 0 to 1.
        sides: how the material continues.
        detail: how much of the finest forms remains: 0 none, 1 all.
        light_is_deep: the other way round, as with pale mortar.
    """
    light = (-1 if light_is_deep else 1) * np.log(_luminance(rgb) + np.float32(DARKEST))
    down, across = (sides.difference(light, axis) for axis in (0, 1))
    # At pixels, from the steps to either side of each, so that no direction is preferred.
    steepness = np.sqrt(sum(step**2 + np.roll(step**2, 1, axis) for axis, step in enumerate((down, across))) / 2)
    usual = float(steepness.mean())
    if usual < FLAT:
        return np.full(light.shape, 0.5, np.float32)
    factor: Floats = ((np.maximum(steepness, FLAT) / usual) ** (COMPRESSION - 1)).astype(np.float32)
    weaker = (step * sides.between(factor, axis) for axis, step in enumerate((down, across)))
    height, width = light.shape
    return spread(sides.solve_poisson(sides.divergence(*weaker), _gain(sides, height, width, detail)))


def spread(plane: Floats) -> Floats:
    """A map moved and stretched to 0 to 1, but for a few outliers."""
    low, high = np.percentile(plane, (OUTLIERS, 100 - OUTLIERS))
    if high - low < FLAT:
        return np.full(plane.shape, 0.5, np.float32)
    stretched: Floats = np.clip((plane - low) / (high - low), 0, 1).astype(np.float32)
    return stretched


def _luminance(rgb: Floats) -> Floats:
    """Linear luminance (height, width); in parts, as linear colours take several times the memory of the picture."""
    out = np.empty(rgb.shape[:2], np.float32)
    for top in range(0, len(rgb), ROWS):
        out[top : top + ROWS] = linear_from_srgb(rgb[top : top + ROWS]) @ LUMINANCE
    return out


def _gain(sides: Sides, height: int, width: int, detail: float) -> Floats:
    """What remains of each frequency: not the coarsest, and of the finest as much as is wanted."""
    frequency = sides.eigenvalues(height, width)
    coarse, fine = (max(1.0, share * min(height, width)) for share in (LARGEST_FORM, FINEST_FORM))
    large_forms_left_out = 1 - np.exp(-frequency * coarse**2 / 2)
    small_forms = 1 - np.exp(-frequency * fine**2 / 2)
    return np.asarray(large_forms_left_out * (1 - (1 - detail) * small_forms), np.float32)
