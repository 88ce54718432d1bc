# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that guide the generation along the meshes: depth, normals and edges of a view. Pure.

Each is as the ControlNets for it were shown it in training.
"""

from __future__ import annotations

import numpy as np

from .raster import Seen
from .surface import Surface
from .views import View

CREASE = 0.85
"""Cosine of the angle between faces from which on there is an edge: 32 degrees."""


def nearness(depth: np.ndarray) -> np.ndarray:
    """Disparity from 255, the nearest, downwards; 0 where there is nothing."""
    there = np.isfinite(depth)
    out = np.zeros(depth.shape, dtype=np.uint8)
    if there.any():
        inverse = 1 / np.maximum(depth[there], 1e-9)
        spread = max(float(np.ptp(inverse)), 1e-12)
        out[there] = (30 + 225 * (inverse - inverse.min()) / spread + 0.5).astype(np.uint8)
    return out


def normals_seen(view: View, seen: Seen, surface: Surface) -> np.ndarray:
    """(H, W, 3) unit vectors in the space of the view, towards the viewer; where there is nothing, straight to them.

    They are those that shading shows. On a rim they may lean away from who sees it: there they stand upright to the
    line of sight, as they do on the round thing that is meant.
    """
    out = np.zeros((*seen.triangle.shape, 3))
    out[..., 2] = 1
    covered = seen.triangle >= 0
    triangle, share = seen.triangle[covered], seen.share[covered]
    towards = view.towards(np.einsum("nk,nkc->nc", share, surface.corners[triangle]))
    away = np.einsum("nc,nc->n", surface.normals()[triangle], towards) < 0
    normal = surface.shaded(triangle, share)
    normal = np.where(away[:, None], -normal, normal)
    normal -= towards * np.minimum(np.einsum("nc,nc->n", normal, towards), 0)[:, None]
    normal = normal @ view.to_view[:3, :3].T
    out[covered] = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    return out


def normal_colours(normals: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8: red is left, green up, blue towards the viewer (the convention of ControlNet's normals)."""
    return np.round((normals * (-1, 1, 1) * 0.5 + 0.5) * 255).astype(np.uint8)


def edges(view: View, seen: Seen, normals: np.ndarray) -> np.ndarray:
    """(H, W) uint8: 255 on silhouettes, before what lies farther back, and on creases; 0 elsewhere."""
    there = np.isfinite(seen.depth)
    depth = np.where(there, seen.depth, 0)
    cosine = np.clip(normals[..., 2], 0.1, 1)
    slack = view.pixel_size(depth) * (1 + 1.5 * np.sqrt(1 - cosine**2) / cosine) + depth * 1e-3
    out = np.zeros(there.shape, dtype=np.uint8)
    for here, beside in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        jump = np.abs(depth[here] - depth[beside]) > slack[here] + slack[beside]
        crease = np.einsum("rcx,rcx->rc", normals[here], normals[beside]) < CREASE
        both = there[here] & there[beside]
        found = np.where(both, jump | crease, there[here] != there[beside])
        nearer = there[here] & (~there[beside] | (depth[here] <= depth[beside]))
        out[here] |= (found & nearer) * np.uint8(255)
        out[beside] |= (found & ~nearer) * np.uint8(255)
    return out
