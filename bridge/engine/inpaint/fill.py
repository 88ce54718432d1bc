"""What the masked part holds before it is encoded. Models that know nothing of masks continue what they see there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from bridge.engine.conversion import Floats
from bridge.protocol.tasks import FillMethod

from .context import bounds_of

Bools = npt.NDArray[np.bool_]
_GRAIN = 0.015
"""Standard deviation of the grain in a smooth fill: detail needs something to grow from."""


def fill(rgb: Floats, hole: Bools, method: FillMethod) -> Floats:
    """The picture (height, width, 3) with the hole (height, width) filled. Pixels outside stay as they are.

    The same input gives the same output: grain comes from a fixed seed.
    """
    if method == "original" or not hole.any():
        return rgb
    if method == "neutral" or hole.all():
        return np.where(hole[..., None], np.float32(0.5), rgb)
    if method == "border":
        return _stretch_border(rgb, hole)
    grain = np.random.default_rng(0).standard_normal((*hole.shape, 1), dtype=np.float32)
    if method == "noise":
        mean, deviation = _surroundings(rgb, hole)
        return np.where(hole[..., None], np.clip(mean + grain * np.maximum(deviation, 0.1), 0, 1), rgb)
    return np.where(hole[..., None], np.clip(push_pull(rgb, ~hole) + grain * _GRAIN, 0, 1), rgb)


def push_pull(values: Floats, known: Bools) -> Floats:
    """Values (height, width, n) with the unknown ones interpolated smoothly from the known ones.

    Averages what is known down a pyramid, and on the way up fills what is unknown from the next coarser level
    (Gortler et al., "The Lumigraph", 1996, section 3.4).
    """
    weights = known[..., None].astype(np.float32)
    return _pulled(values * weights, weights)


def _pulled(sums: Floats, weights: Floats) -> Floats:
    """Known means where the weight is 1, coarser ones where it is less. `sums` are values times weights."""
    height, width = weights.shape[:2]
    if height == 1 and width == 1:
        mean: Floats = (sums / np.maximum(weights, 1e-6)).astype(np.float32)
        return mean
    coarse = _pulled(*_pushed(sums, weights))
    rows, columns = coarse.shape[:2]
    # Bilinear, aligned to the centres of the blocks of two.
    up = ndimage.map_coordinates
    grid = np.meshgrid(
        np.clip((np.arange(height) - 0.5) / 2, 0, rows - 1),
        np.clip((np.arange(width) - 0.5) / 2, 0, columns - 1),
        indexing="ij",
    )
    smooth = np.stack([up(coarse[..., n], grid, order=1) for n in range(coarse.shape[-1])], axis=-1)
    result: Floats = (sums + (1 - weights) * smooth).astype(np.float32)
    return result


def _pushed(sums: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The next coarser level; weights saturate at 1, so that a block with much to say is not diluted."""
    total, weight = _blocks(sums), _blocks(weights)
    saturated = np.minimum(weight, 1)
    return (total * (saturated / np.maximum(weight, 1e-6))).astype(np.float32), saturated.astype(np.float32)


def _blocks(values: Floats) -> Floats:
    """Sums of blocks of two by two; what sticks out at odd sides is padded by nothing."""
    height, width = values.shape[:2]
    even = np.pad(values, ((0, height % 2), (0, width % 2), (0, 0)))
    result: Floats = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return result


def _stretch_border(rgb: Floats, hole: Bools) -> Floats:
    nearest: npt.NDArray[Any] = ndimage.distance_transform_edt(hole, return_distances=False, return_indices=True)
    stretched: Floats = rgb[nearest[0], nearest[1]]
    return stretched


def _surroundings(rgb: Floats, hole: Bools) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the colours within 32 px of the hole."""
    bounds = bounds_of(hole)
    height, width = hole.shape
    near = np.zeros_like(hole)
    if bounds is not None:
        near[bounds.grown(32, width, height).rows_columns] = True
    known = rgb[near & ~hole] if (near & ~hole).any() else rgb[~hole]
    return known.mean(axis=0, dtype=np.float32), known.std(axis=0, dtype=np.float32)
