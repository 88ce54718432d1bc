# SPDX-License-Identifier: GPL-3.0-or-later
"""Values where there are none yet, from the nearest ones that are known. Pure."""

from __future__ import annotations

import numpy as np

from .stopping import checkpoint

PLACES = 1 << 18
"""As many are sampled at once."""


def grown(values: np.ndarray, known: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Continue what is known outwards, one pixel a step: each new one is the mean of its known neighbours.

    Args:
        values: (H, W, C) floats.
        known: (H, W) bool.
        steps: pixels.

    Returns:
        The values, and what is known now. What was known is as before.
    """
    height, width = known.shape
    values, near = values.copy(), np.pad(known, 1)  # a border that is never known: no neighbour lies outside
    for _ in range(steps):
        checkpoint()
        rows, columns = np.nonzero(_dilated(near)[1:-1, 1:-1] & ~near[1:-1, 1:-1])
        if not rows.size:
            break
        total, count = np.zeros((rows.size, values.shape[2])), np.zeros(rows.size)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                there = near[rows + 1 + down, columns + 1 + right]
                row, column = np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)
                total += values[row, column] * there[:, None]
                count += there
        values[rows, columns] = total / count[:, None]
        near[rows + 1, columns + 1] = True
    return values, near[1:-1, 1:-1]


def _dilated(mask: np.ndarray) -> np.ndarray:
    """The mask and its eight neighbours; nothing is carried over the sides."""
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    out = wide.copy()
    out[:, 1:] |= wide[:, :-1]
    out[:, :-1] |= wide[:, 1:]
    return out


def filled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Everything that is not known, from coarser and coarser means of what is (Gortler et al. 1996, "push-pull").

    Args:
        values: (H, W, C) floats.
        known: (H, W) bool. When nothing is, the values come back as they are.
    """
    if known.all() or not known.any():
        return values
    checkpoint()
    height, width = known.shape
    pad = [(0, height % 2), (0, width % 2)]
    weight = np.pad(known.astype(np.float32), pad)
    sums = np.pad(np.where(known[..., None], values, 0), [*pad, (0, 0)])
    blocks = (weight.shape[0] // 2, 2, weight.shape[1] // 2, 2)
    weight = weight.reshape(blocks).sum(axis=(1, 3))
    sums = sums.reshape(*blocks, -1).sum(axis=(1, 3))
    coarse = filled(sums / np.maximum(weight, 1)[..., None], weight > 0)
    missing, out = np.flatnonzero(~known), values.copy()
    flat = out.reshape(-1, out.shape[2])
    for first in range(0, missing.size, PLACES):
        checkpoint()
        some = missing[first : first + PLACES]
        flat[some] = sampled(coarse, (some % width) / 2 + 0.25, (some // width) / 2 + 0.25)
    return out


def sampled(values: np.ndarray, x: np.ndarray, y: np.ndarray, *, wrap: bool = False) -> np.ndarray:
    """Bilinear values at places; pixel centres are at halves. Beyond the sides the outermost go on, or it repeats.

    Args:
        values: (H, W, C).
        x: (N,) pixels.
        y: (N,) pixels.
        wrap: whether it repeats.

    Returns:
        (N, C) floats.
    """
    height, width = values.shape[:2]
    left, low = np.floor(x - 0.5), np.floor(y - 0.5)
    right_share, high_share = (x - 0.5 - left)[:, None], (y - 0.5 - low)[:, None]
    columns = [_inside(left + step, width, wrap) for step in (0, 1)]
    rows = [_inside(low + step, height, wrap) for step in (0, 1)]
    lower = values[rows[0], columns[0]] * (1 - right_share) + values[rows[0], columns[1]] * right_share
    upper = values[rows[1], columns[0]] * (1 - right_share) + values[rows[1], columns[1]] * right_share
    return lower * (1 - high_share) + upper * high_share


def _inside(index: np.ndarray, size: int, wrap: bool) -> np.ndarray:
    whole = index.astype(np.int64)
    return whole % size if wrap else np.clip(whole, 0, size - 1)


def softened(mask: np.ndarray, radius: int) -> np.ndarray:
    """A mask that reaches `radius` pixels further and fades over as many again: (H, W) floats 0 to 1."""
    wide = _mean(mask.astype(np.float64), radius) > 0
    return np.where(mask, 1.0, _mean(wide.astype(np.float64), radius))


def _mean(values: np.ndarray, radius: int) -> np.ndarray:
    """Mean of the square around each pixel, by running sums."""
    side = 2 * radius + 1
    for axis in (0, 1):
        padded = np.pad(values, [(radius + 1, radius) if each == axis else (0, 0) for each in range(2)], mode="edge")
        total = np.cumsum(padded, axis=axis)
        size = values.shape[axis]
        values = (np.take(total, np.arange(side, side + size), axis) - np.take(total, np.arange(size), axis)) / side
    return np.where(values < 1e-9, 0, values)
