"""How well a repainted region sits in its picture, as pure functions of pictures and masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage import color

Values = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


def changed_bits(before: Values, after: Values, where: Mask) -> int:
    """Bits that differ in the pixels of a mask; both pictures uint8 or uint16 (height, width, channels)."""
    return int(np.bitwise_count(before[where] ^ after[where]).sum())


def seam_ratio(original: Values, result: Values, mask: Mask) -> float:
    """The mean jump between neighbours on either side of the mask's edge, against the same within the original.

    Args:
        original: (height, width, channels), any numeric dtype.
        result: likewise, with the masked part repainted.
        mask: (height, width) of what was repainted.

    Returns:
        0 or more. Where a region is continued perfectly it is about 1; a visible edge makes it larger.
    """
    across, usual = [], []
    for axis in (0, 1):
        jumps = np.abs(np.diff(result.astype(np.float64), axis=axis)).mean(axis=-1)
        natural = np.abs(np.diff(original.astype(np.float64), axis=axis)).mean(axis=-1)
        edge = np.diff(mask.astype(np.int8), axis=axis) != 0
        near = ndimage.binary_dilation(edge, iterations=12)
        across.append(jumps[edge])
        usual.append(natural[near])
    return float(np.concatenate(across).mean() / max(np.concatenate(usual).mean(), 1e-9))


def ring_shift(original: Values, result: Values, mask: Mask, width: int = 24) -> float:
    """How far the mean colour of a ring inside the mask's edge has moved, as CIEDE2000.

    Args:
        original: (height, width, 3) uint8 sRGB of a texture that should simply go on.
        result: likewise, repainted within the mask.
        mask: (height, width) of what was repainted.
        width: of the ring, px.
    """
    depth = ndimage.distance_transform_edt(mask)
    ring = (depth > 0) & (depth <= width)
    before, after = (color.rgb2lab(picture[..., :3])[ring].mean(axis=0) for picture in (original, result))
    return float(color.deltaE_ciede2000(before, after))
