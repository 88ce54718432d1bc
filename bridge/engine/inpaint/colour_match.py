"""Bringing the colours of a result in line with the picture around it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from bridge.engine.conversion import Floats

Bools = npt.NDArray[np.bool_]
MIN_RING = 64
"""Fewer pixels than this tell nothing about colours."""
MAX_SHIFT = 0.12
"""Largest correction of a channel, 0 to 1. A larger difference is meant, not an error of colour."""


def match_seam(painted: Floats, original: Floats, change: Floats, selection: Bools, valid: Bools) -> Floats:
    """The painted picture with its colours matched to the original around the selection.

    Two corrections are added. Where nothing was to change, the difference is that of the autoencoder: its mean goes
    everywhere. What differs on the ring around the selection is smoothed along the ring, and fades out inside.
    Colours that the original has inside the selection play no part.

    Args:
        painted: (height, width, 3), what the model made.
        original: (height, width, 3), the picture before.
        change: (height, width), the change map.
        selection: (height, width), where the original says nothing.
        valid: (height, width), where the original has colours at all (is opaque).
    """
    difference = original - painted
    kept = (change == 0) & ~selection & valid
    overall = _mean(difference, kept)
    ring = (change > 0) & ~selection & valid
    if ring.sum() < MIN_RING:
        return _clipped(painted + overall)
    local = _along_ring(difference - overall, ring, selection)
    return _clipped(painted + overall + local)


def _clipped(values: Floats) -> Floats:
    clipped: Floats = np.clip(values, 0, 1).astype(np.float32)
    return clipped


def _mean(difference: Floats, where: Bools) -> Floats:
    if where.sum() < MIN_RING:
        return np.zeros(3, np.float32)
    mean: Floats = np.clip(difference[where].mean(axis=0), -MAX_SHIFT, MAX_SHIFT).astype(np.float32)
    return mean


def _along_ring(difference: Floats, ring: Bools, selection: Bools) -> Floats:
    """The difference on the ring, smoothed, continued to both sides, and gone some way inside the selection."""
    inside = ndimage.distance_transform_edt(~ring).astype(np.float32)
    width = max(4.0, 2.0 * ring.sum() / max(1, _edge_length(selection)))
    weight = ring.astype(np.float32)
    smooth_weight = ndimage.gaussian_filter(weight, width / 2, mode="nearest")
    smooth = np.stack(
        [ndimage.gaussian_filter(difference[..., n] * weight, width / 2, mode="nearest") for n in range(3)], axis=-1
    )
    shift = np.clip(smooth / np.maximum(smooth_weight, 1e-3)[..., None], -MAX_SHIFT, MAX_SHIFT)
    fade = np.exp(-((inside / width) ** 2))[..., None]
    found: Floats = (shift * fade).astype(np.float32)
    return found


def _edge_length(selection: Bools) -> int:
    """Number of pixels on the rim of the selection."""
    return int((selection & ~ndimage.binary_erosion(selection, border_value=1)).sum())
