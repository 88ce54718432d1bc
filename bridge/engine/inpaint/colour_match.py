"""Bringing the colours of a result in line with the picture around it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from bridge.engine.conversion import Floats

Bools = npt.NDArray[np.bool_]
MIN_RING = 64
"""Fewer pixels than this tell nothing about colours."""
MAX_SHIFT = 0.12
"""Largest correction of a channel, 0 to 1. A larger difference is meant, not an error of colour."""
SURE_DRIFT, LARGEST_DRIFT = 0.15, 0.25
"""Lengths of a difference of RGB, each 0 to 1. Up to the first, new content is taken to go on with what surrounds it
and to be off by mistake; from the second on, to be something else. A length of 0.15 is 22 of 255 levels in each
channel; the built-in model drifts by 0.05 to 0.17 when it continues textures with guidance."""


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


def take_out_drift(painted: Floats, original: Floats, change: Floats, selection: Bools, valid: Bools) -> Floats:
    """The painted picture with its median colour inside the selection that of its surroundings, if it is nearly that.

    Guidance makes a model's colours brighter and more saturated than those of the picture that it continues (Lin et
    al., 2023, https://arxiv.org/abs/2305.08891, section 3.4). A small difference is taken for that and removed; a
    large one is what the prompt asked for. Medians, because joints and veins are no part of a material's colour.
    Only for a selection whose former content was not to be kept.

    Args: as `match_seam`.
    """
    known = valid & ~selection
    if known.sum() < MIN_RING or not selection.any():
        return painted
    drift = np.median(original[known], axis=0) - np.median(painted[selection], axis=0)
    share = np.clip((LARGEST_DRIFT - np.linalg.norm(drift)) / (LARGEST_DRIFT - SURE_DRIFT), 0, 1)
    return _clipped(painted + drift * share * change[..., None])


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
    # What is smoothed this much needs no full resolution.
    factor = max(1, int(width / 6))
    weight = ring.astype(np.float32)
    coarse_weight = ndimage.gaussian_filter(_reduced(weight, factor), width / 2 / factor, mode="nearest")
    coarse = np.maximum(coarse_weight, 1e-3)
    planes = []
    for n in range(3):
        sums = ndimage.gaussian_filter(
            _reduced(difference[..., n] * weight, factor), width / 2 / factor, mode="nearest"
        )
        planes.append(_enlarged(np.clip(sums / coarse, -MAX_SHIFT, MAX_SHIFT), factor, ring.shape))
    shift = np.stack(planes, axis=-1)
    fade = np.exp(-((inside / width) ** 2))[..., None]
    found: Floats = (shift * fade).astype(np.float32)
    return found


def _reduced(values: Floats, factor: int) -> Floats:
    """Means of square blocks; what sticks out is padded by the outermost values."""
    if factor == 1:
        return values
    height, width = values.shape
    padded = np.pad(values, ((0, -height % factor), (0, -width % factor)), mode="edge")
    rows, columns = padded.shape[0] // factor, padded.shape[1] // factor
    means: Floats = padded.reshape(rows, factor, columns, factor).mean(axis=(1, 3), dtype=np.float32)
    return means


def _enlarged(values: Floats, factor: int, shape: tuple[int, ...]) -> Floats:
    """The inverse of `_reduced`, smoothly."""
    if factor == 1:
        return values
    plane = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    size = (values.shape[1] * factor, values.shape[0] * factor)
    large: Floats = np.asarray(plane.resize(size, Image.Resampling.BILINEAR))
    return large[: shape[0], : shape[1]]


def _edge_length(selection: Bools) -> int:
    """Number of pixels on the rim of the selection."""
    return int((selection & ~ndimage.binary_erosion(selection, border_value=1)).sum())
