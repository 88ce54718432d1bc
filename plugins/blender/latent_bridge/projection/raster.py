# SPDX-License-Identifier: GPL-3.0-or-later
"""Triangles to pixels, without a loop over triangles: rows of each, then the span of every row. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .stopping import checkpoint
from .views import NEAREST, View

FRAGMENTS = 1 << 18
"""Roughly as many are dealt with at once: under a hundred megabytes, and soon stopped."""
NEAR = 1e-4
"""Homogeneous w at which triangles that reach behind the camera are cut: of a perspective, as many units away."""
FLAT = 1e-12
"""Twice the area, pixels², below which a triangle covers nothing."""


@dataclass(frozen=True)
class Fragments:
    """Pixels whose centres lie in triangles.

    Attributes:
        triangle: (N,) which one.
        pixel: (N,) row times width plus column.
        share: (N, 3) barycentric coordinates, affine in the plane of the pixels.
    """

    triangle: np.ndarray
    pixel: np.ndarray
    share: np.ndarray


@dataclass(frozen=True)
class Seen:
    """What a view shows at every pixel; rows from the bottom.

    Attributes:
        depth: (height, width), infinite where there is nothing.
        triangle: (height, width), -1 where there is nothing.
        share: (height, width, 3) barycentric coordinates on the triangle itself: perspective-correct.
    """

    depth: np.ndarray
    triangle: np.ndarray
    share: np.ndarray


def fragments(corners: np.ndarray, width: int, height: int) -> Iterator[Fragments]:
    """Every pixel in every triangle, some triangles at a time.

    Args:
        corners: (T, 3, 2) pixels. Triangles with a corner that is not a number are left out.
        width: pixels.
        height: pixels.
    """
    x, y = corners[..., 0].astype(np.float64), corners[..., 1].astype(np.float64)
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    kept = np.flatnonzero(np.abs(area) > FLAT)  # false for what is not a number
    boxes = (np.ptp(np.clip(x[kept], 0, width), axis=1) + 1) * (np.ptp(np.clip(y[kept], 0, height), axis=1) + 1)
    chunk = (np.cumsum(boxes) // FRAGMENTS).astype(np.int64)
    for part in np.split(kept, np.flatnonzero(np.diff(chunk)) + 1) if kept.size else ():
        checkpoint()
        found = _spans(x[part], y[part], area[part], width, height)
        if found.pixel.size:
            yield Fragments(part[found.triangle], found.pixel, found.share)


def _spans(x: np.ndarray, y: np.ndarray, area: np.ndarray, width: int, height: int) -> Fragments:
    """Each barycentric coordinate is `slope · x + rest` in a row; a span is where all three are at least 0."""
    after, before = np.roll(np.arange(3), -1), np.roll(np.arange(3), 1)
    slope = (y[:, after] - y[:, before]) / area[:, None]
    climb = (x[:, before] - x[:, after]) / area[:, None]
    constant = (x[:, after] * y[:, before] - x[:, before] * y[:, after]) / area[:, None]
    first = np.clip(np.ceil(y.min(axis=1) - 0.5), 0, height).astype(np.int64)
    last = np.clip(np.floor(y.max(axis=1) - 0.5), -1, height - 1).astype(np.int64)
    triangle, row = _ranges(first, last)
    a, rest = slope[triangle], climb[triangle] * (row + 0.5)[:, None] + constant[triangle]
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = -rest / a
    left = np.where(a > 0, bound, np.where((a == 0) & (rest < 0), np.inf, -np.inf)).max(axis=1)
    right = np.where(a < 0, bound, np.inf).min(axis=1)
    start = np.clip(np.ceil(left - 0.5), 0, width).astype(np.int64)
    stop = np.clip(np.floor(right - 0.5), -1, width - 1).astype(np.int64)
    span, column = _ranges(start, stop)
    share = a[span] * (column + 0.5)[:, None] + rest[span]
    return Fragments(triangle[span], row[span] * width + column, share)


def _ranges(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All whole numbers from `first` to `last` of each entry, and which entry they are of."""
    count = np.maximum(last - first + 1, 0)
    entry = np.repeat(np.arange(count.size), count)
    begins = np.cumsum(count) - count
    return entry, np.arange(entry.size) - begins[entry] + first[entry]


def clipped(view: View, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Triangles with those that reach behind the camera cut off a little before it.

    Args:
        view: the camera.
        corners: (T, 3, 3), world.

    Returns:
        The pieces (P, 3, 3), which triangle each is of (P,), and its corners as shares of that triangle (P, 3, 3).
    """
    _, w, _ = view.project(corners)
    reach = w - NEAR  # linear on a triangle, so that where it is 0 on a side is a matter of proportion
    ahead = reach > 0
    whole = np.flatnonzero(ahead.all(axis=1))
    owners, shares = [whole], [np.broadcast_to(np.eye(3), (whole.size, 3, 3))]
    for count in (1, 2):  # corners before the camera: one leaves a triangle, two leave a quadrangle
        cut = np.flatnonzero(ahead.sum(axis=1) == count)
        lone = np.argmax(ahead[cut] == (count == 1), axis=1)  # the one that is on its side alone
        ring = np.stack([lone, (lone + 1) % 3, (lone + 2) % 3], axis=1)
        alone, second, third = np.eye(3)[ring].transpose(1, 0, 2)
        at = np.take_along_axis(reach[cut], ring, axis=1)
        to_second, to_third = (at[:, :1] / (at[:, :1] - at[:, [side]]) for side in (1, 2))
        on_second = alone + to_second * (second - alone)
        on_third = alone + to_third * (third - alone)
        if count == 1:
            pieces = [(alone, on_second, on_third)]
        else:
            pieces = [(on_second, second, third), (on_second, third, on_third)]
        for piece in pieces:
            owners.append(cut)
            shares.append(np.stack(piece, axis=1))
    owner, share = np.concatenate(owners), np.concatenate(shares)
    return np.einsum("pkc,pcx->pkx", share, corners[owner]), owner, share


def see(view: View, corners: np.ndarray) -> Seen:
    """What of the triangles a view shows; of those that reach behind the camera, the part before it.

    Args:
        view: the camera.
        corners: (T, 3, 3), world.
    """
    before, owner, inside = clipped(view, corners)
    places, w, depths = view.project(before)
    size = view.width * view.height
    depth, triangle, share = np.full(size, np.inf), np.full(size, -1), np.zeros((size, 3))
    inverse = 1 / np.where(w > NEAREST, w, np.nan)
    for found in fragments(places, view.width, view.height):
        correct = found.share * inverse[found.triangle]
        correct /= correct.sum(axis=1, keepdims=True)
        far = (correct * depths[found.triangle]).sum(axis=1)
        nearer = np.flatnonzero(far < depth[found.pixel])
        order = nearer[np.argsort(-far[nearer], kind="stable")]  # the nearest is written last, and stays
        pixel, piece = found.pixel[order], found.triangle[order]
        whole = np.einsum("nk,nkc->nc", correct[order], inside[piece])
        depth[pixel], triangle[pixel], share[pixel] = far[order], owner[piece], whole
    shape = (view.height, view.width)
    return Seen(depth.reshape(shape), triangle.reshape(shape), share.reshape(*shape, 3))
