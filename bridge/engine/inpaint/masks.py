"""From a selection to the two masks of inpainting: what the model may change, and what is blended into the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from bridge.engine.conversion import Floats

from .context import Rect

_SOFT_BAND = 1.5
"""A band of partial coverage deeper than this (px to its nearest end) was meant; a thinner one is antialiasing."""


@dataclass(frozen=True)
class Ramps:
    """How both masks fall off with the distance from the selection, in px.

    Attributes:
        change: the change map is 1 up to the first distance and falls to 0 at the second.
        blend: the same for the compositing mask. It never reaches further than the change map.
    """

    change: tuple[float, float]
    blend: tuple[float, float]

    @property
    def reach(self) -> int:
        """How far beyond the selection anything happens, in px."""
        return math.ceil(max(self.change[1], self.blend[1]))


def default_feather(bounds: Rect) -> int:
    """A tenth of the selection's diagonal, at least 32 px."""
    return max(32, round(0.1 * math.hypot(bounds.width, bounds.height)))


def inpaint_ramps(grow: float, feather: float, blend: float) -> Ramps:
    """Ramps from the parameters of `inpaint` (px).

    The change map is the selection grown by `grow`, its edge softened over `feather`; the compositing mask ends where
    the change map does and fades over `blend`. Both are opaque inside the selection.
    """
    start = max(0.0, grow - feather / 2)
    end = max(start, grow + feather / 2)
    return Ramps((start, end), (max(0.0, end - blend), end))


def outpaint_ramps(blend: float, feather: float) -> Ramps:
    """Ramps for outpainting: the result fades over `blend` px inside the picture, the change map beyond that."""
    return Ramps((blend, blend + feather), (0.0, blend))


def build_masks(selection: Floats, ramps: Ramps) -> tuple[Floats, Floats]:
    """The change map and the compositing mask (height, width), 0 to 1, of a selection of that kind and shape.

    A selection with a soft edge of its own is its own compositing mask, and all of it may change.
    """
    soft = is_soft(selection)
    core = selection > 0 if soft or not (selection >= 0.5).any() else selection >= 0.5
    distance = _distance_to(core)
    change = np.maximum(_ramp(distance, ramps.change), selection > 0).astype(np.float32)
    if soft:
        return change, selection.astype(np.float32)
    # Half covered pixels of an antialiased edge belong to the selection, even when nothing reaches beyond it.
    composite = np.maximum(_ramp(distance, ramps.blend), selection).astype(np.float32)
    return change, composite


def is_soft(selection: Floats) -> bool:
    """Whether a selection is soft on purpose, rather than hard with an antialiased edge."""
    partial = (selection > 0.02) & (selection < 0.98)
    if not partial.any():
        return False
    if partial.all():
        return True
    return bool(ndimage.distance_transform_edt(partial).max() > _SOFT_BAND)


def _distance_to(core: npt.NDArray[np.bool_]) -> Floats:
    """Distance of every pixel to the nearest one of `core`, in px; 0 inside."""
    found: Floats = ndimage.distance_transform_edt(~core).astype(np.float32)
    return found


def _ramp(distance: Floats, ends: tuple[float, float]) -> Floats:
    """1 up to the first distance, 0 from the second on, linear between; a step when they are equal."""
    start, end = ends
    if end <= start:
        return (distance < max(end, 1e-6)).astype(np.float32)
    ramp: Floats = np.clip((end - distance) / (end - start), 0, 1).astype(np.float32)
    return ramp
