# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture onto the texels that its view sees. Every texel is projected by itself: exact in perspective. Pure."""

from __future__ import annotations

import numpy as np

from .filling import filled, grown, sampled, softened
from .raster import Seen
from .surface import Texels, Texture
from .views import View

GRAZING = 0.17
"""Cosine of the angle to the view from which on a texel counts as not seen: 80 degrees."""
EDGE = 0.25
"""Cosines over which the picture fades into a texture that was there before."""
FRAME = 8
"""Pixels over which the picture fades out at its own sides."""
FADE = 6
"""Pixels beyond the repainted part of a view that are taken over, and as many again to fade."""


def view_weight(facing: np.ndarray) -> np.ndarray:
    """How well a texel is seen, 0 to 1, by the cosine of its angle to the view."""
    return np.clip((facing - GRAZING) / (1 - GRAZING), 0, 1) ** 2


def visible(view: View, seen: Seen, place: np.ndarray, depth: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """Whether nothing is nearer to the eye at a place, nor at the pixels around whose colours it would take a share.

    Args:
        view: the camera.
        seen: its depth buffer.
        place: (N, 2) pixels.
        depth: (N,), world.
        facing: (N,) cosines; the depth of a slanted surface changes by its tangent over a pixel.
    """
    cosine = np.clip(facing, GRAZING, 1)
    slack = view.pixel_size(depth) * (1 + 1.5 * np.sqrt(1 - cosine**2) / cosine) + depth * 1e-5
    column, row = (np.floor(place[:, axis] - 0.5).astype(np.int64) for axis in (0, 1))
    free = np.ones(depth.shape, dtype=bool)
    for right in (0, 1):
        for up in (0, 1):
            x, y = np.clip(column + right, 0, view.width - 1), np.clip(row + up, 0, view.height - 1)
            free &= seen.depth[y, x] >= depth - slack
    return free


def paint(
    view: View, seen: Seen, texels: Texels, texture: Texture, picture: np.ndarray, mask: np.ndarray | None = None
) -> None:
    """Blend a picture into a texture, where its view sees it, by how well it does.

    Args:
        view: where the picture is seen from.
        seen: the view's depth buffer.
        texels: of the texture.
        texture: is changed.
        picture: (H, W, 3), 0 to 255, rows from the bottom.
        mask: (H, W) bool, what was painted anew; None for all.
    """
    place, w, depth = view.project(texels.position)
    facing = np.einsum("nc,nc->n", texels.normal, view.towards(texels.position))
    near = np.flatnonzero((w > 0) & (facing > GRAZING))
    near = near[np.all((place[near] >= 0) & (place[near] <= (view.width, view.height)), axis=1)]
    near = near[visible(view, seen, place[near], depth[near], facing[near])]
    place, facing, index = place[near], facing[near], texels.index[near]
    sides = np.minimum(place, (view.width, view.height) - place).min(axis=1)
    frame = np.clip(sides / FRAME, 0, 1)
    weight = view_weight(facing) * frame
    colour = sampled(extended(picture, seen.triangle >= 0), place[:, 0], place[:, 1])
    before, shows = texture.weight.reshape(-1)[index], texture.known.reshape(-1)[index]
    share = np.where(
        before > 0,
        weight**2 / np.maximum(weight**2 + before**2, 1e-12),
        np.where(shows, np.clip((facing - GRAZING) / EDGE, 0, 1) * frame, 1.0),
    )
    if mask is not None:
        share *= sampled(softened(mask, FADE)[..., None], place[:, 0], place[:, 1])[:, 0]
    share[weight <= 0] = 0
    _blend(texture, index, colour, share, weight)


def _blend(texture: Texture, index: np.ndarray, colour: np.ndarray, share: np.ndarray, weight: np.ndarray) -> None:
    on = share > 0
    index, share, weight = index[on], share[on][:, None], weight[on]
    flat = texture.pixels.reshape(-1, 4)
    flat[index, :3] = flat[index, :3] * (1 - share) + colour[on] * share
    flat[index, 3] = np.maximum(flat[index, 3], 255 * share[:, 0])
    texture.weight.reshape(-1)[index] = np.maximum(texture.weight.reshape(-1)[index], weight)
    texture.changed.reshape(-1)[index] = True


def extended(picture: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """The picture with the background pushed away from what it shows: silhouettes must not bring it onto the mesh."""
    return grown(picture.astype(np.float64), covered, 3)[0] if covered.any() else picture.astype(np.float64)


def finish(texture: Texture, texels: Texels, margin: int, fill: bool) -> None:
    """Continue what was painted beyond the islands, and over what no view saw.

    Args:
        texture: is changed.
        texels: what lies in triangles.
        margin: pixels beyond the islands.
        fill: give texels that show nothing yet colours from around. What was known before stays.
    """
    inside = np.zeros(texture.known.shape, dtype=bool)
    inside.reshape(-1)[texels.index] = True
    colours, reached = grown(texture.pixels, texture.changed, margin)
    beyond = reached & ~inside
    texture.pixels[beyond] = colours[beyond]
    texture.changed |= beyond
    shows = texture.known | texture.changed
    if fill and texture.changed.any() and not shows.all():
        texture.pixels[...] = filled(texture.pixels, shows)
        texture.pixels[~shows, 3] = 255
        texture.changed |= ~shows
