"""Roughness and metallic: what a base colour hints at, no more.

That relief finer than a pixel looks rough is well founded (Toksvig, "Mipmapping normal maps", 2005; Olano and Baker,
"LEAN mapping", 2010): the spread of normals within a few pixels stands for what is finer still. That a bright and
colourless spot is a highlight follows from the dichromatic model (Shafer, "Using color to separate reflection
components", 1985), and holds only for pictures taken in directed light. Which materials are metals cannot be seen at
all; base colours of metals are bright (Lagarde and de Rousiers, "Moving Frostbite to physically based rendering",
2014), so whatever is darker is none.
"""

from __future__ import annotations

import numpy as np

from bridge.engine.conversion import Floats

from .sides import Sides

RELIEF_SHARE = 0.3
"""How far roughness may move with the relief."""
HIGHLIGHT_SHARE = 0.15
"""How far a highlight lowers it."""
WINDOW = 1 / 200
"""Share of the shorter side over which normals are compared."""
LEAST, MOST = 0.02, 1.0
"""Range of roughness; below it renderers show nothing but aliasing."""
BRIGHTEST = (0.6, 0.78)
"""sRGB value of the strongest channel below which nothing is a metal, and above which everything may be one."""
WEAKEST = (0.4, 0.6)
"""Likewise of the weakest channel: gold's blue, the deepest colour of any metal, is 0.61."""


def roughness_of(rgb: Floats, slope_x: Floats, slope_y: Floats, sides: Sides, mean: float) -> Floats:
    """Perceptual roughness (height, width), 0.02 to 1, around a mean that the picture cannot tell.

    Args:
        rgb: base colour (height, width, 3), sRGB, 0 to 1.
        slope_x: of the relief, (height, width).
        slope_y: likewise.
        sides: how the material continues.
        mean: of the map.
    """
    window = max(1.0, WINDOW * min(rgb.shape[:2]))
    spread = sum(
        sides.smoothed(slope * slope, window) - sides.smoothed(slope, window) ** 2 for slope in (slope_x, slope_y)
    )
    spread = np.maximum(spread, 0)
    relief = spread / (spread + spread.mean() + np.float32(1e-6))
    wanted = RELIEF_SHARE * relief - HIGHLIGHT_SHARE * _highlights(rgb, sides, window)
    return _around(mean, wanted - wanted.mean(dtype=np.float64))


def _around(mean: float, change: Floats) -> Floats:
    """A mean with changes to either side, made smaller where they would not fit, so that the mean stays."""
    mean = min(max(mean, LEAST), MOST)
    up, down = max(float(change.max()), 1e-6), max(-float(change.min()), 1e-6)
    fit = min(1.0, (MOST - mean) / up, (mean - LEAST) / down)
    return np.asarray(mean + change * fit, np.float32)


def metallic_of(rgb: Floats) -> Floats:
    """How far each point (height, width) may be a metal, 0 to 1, going by its colour alone."""
    return np.minimum(_beyond(_strongest(rgb), *BRIGHTEST), _beyond(_weakest(rgb), *WEAKEST))


def _beyond(values: Floats, low: float, high: float) -> Floats:
    """From 0 at `low` to 1 at `high`, without a kink."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _strongest(rgb: Floats) -> Floats:
    # A maximum along so short an axis takes ten times as long.
    return np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])


def _weakest(rgb: Floats) -> Floats:
    return np.minimum(np.minimum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])


def _highlights(rgb: Floats, sides: Sides, window: float) -> Floats:
    """How much a point looks like a highlight, 0 to 1: brighter than its surroundings by far, and without colour."""
    brightest, darkest = _strongest(rgb), _weakest(rgb)
    above = np.maximum(brightest - sides.smoothed(brightest, 8 * window), 0)
    usual = above.mean() + np.float32(1e-3)
    colourless = 1 - (brightest - darkest) / (brightest + np.float32(1e-3))
    return np.asarray(np.clip(above / (4 * usual) - 0.25, 0, 1) * colourless, np.float32)
