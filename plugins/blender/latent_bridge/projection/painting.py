# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture onto the texels that its view sees. Every texel is projected by itself: exact in perspective. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .filling import filled, grown, sampled, softened
from .raster import Seen
from .stopping import checkpoint
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


TEXELS = 1 << 17
"""As many are projected at once."""


@dataclass(frozen=True)
class Strokes:
    """What a picture brings to a texture, before it is changed.

    Attributes:
        index: (N,) texels; row times width plus column.
        colour: (N, 3), 0 to 255.
        share: (N,) of the colour, 0 to 1; the rest stays.
        weight: (N,) how well they are seen, 0 to 1.
    """

    index: np.ndarray
    colour: np.ndarray
    share: np.ndarray
    weight: np.ndarray


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
    blend(texture, strokes(view, seen, texels, texture, picture, mask))


def strokes(
    view: View, seen: Seen, texels: Texels, texture: Texture, picture: np.ndarray, mask: np.ndarray | None = None
) -> Strokes:
    """What `paint` would change; the texture is left alone.

    Raises:
        Stopped: see `stopping`.
    """
    checkpoint()
    shown = extended(picture, seen.triangle >= 0)
    soft = softened(mask, FADE)[..., None] if mask is not None else None
    made = [_strokes(view, seen, some, texture, shown, soft) for some in _parts(texels)]
    empty = Strokes(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0), np.zeros(0))
    whole = Strokes(
        *(np.concatenate([getattr(each, name) for each in (*made, empty)]) for name in empty.__dataclass_fields__)
    )
    return _once(whole, texture.known.size)


def _once(made: Strokes, size: int) -> Strokes:
    """Of several places that wear one texel, the one that is seen best."""
    order = np.argsort(made.weight, kind="stable") if np.bincount(made.index, minlength=1).max() > 1 else None
    if order is None:
        return made
    best = np.zeros(size, np.int64)
    best[made.index[order]] = order  # the last one stays
    kept = best[made.index] == np.arange(made.index.size)
    return Strokes(*(getattr(made, name)[kept] for name in made.__dataclass_fields__))


def _parts(texels: Texels) -> Iterator[Texels]:
    for first in range(0, texels.index.size, TEXELS):
        checkpoint()
        some = slice(first, first + TEXELS)
        yield Texels(texels.index[some], texels.position[some], texels.normal[some])


def _strokes(
    view: View, seen: Seen, texels: Texels, texture: Texture, shown: np.ndarray, soft: np.ndarray | None
) -> Strokes:
    place, w, depth = view.project(texels.position)
    facing = np.einsum("nc,nc->n", texels.normal, view.towards(texels.position))
    near = np.flatnonzero((w > 0) & (facing > GRAZING))
    near = near[np.all((place[near] >= 0) & (place[near] <= (view.width, view.height)), axis=1)]
    near = near[visible(view, seen, place[near], depth[near], facing[near])]
    place, facing, index = place[near], facing[near], texels.index[near]
    sides = np.minimum(place, (view.width, view.height) - place).min(axis=1)
    frame = np.clip(sides / FRAME, 0, 1)
    weight = view_weight(facing) * frame
    before, shows = texture.weight.reshape(-1)[index], texture.known.reshape(-1)[index]
    share = np.where(
        before > 0,
        weight**2 / np.maximum(weight**2 + before**2, 1e-12),
        np.where(shows, np.clip((facing - GRAZING) / EDGE, 0, 1) * frame, 1.0),
    )
    if soft is not None:
        share *= sampled(soft, place[:, 0], place[:, 1])[:, 0]
    on = np.flatnonzero((weight > 0) & (share > 0))
    colour = sampled(shown, place[on, 0], place[on, 1])
    return Strokes(index[on], colour, share[on], weight[on])


def blend(texture: Texture, made: Strokes) -> None:
    """Change the texture; quick, and never half."""
    index, share = made.index, made.share[:, None]
    flat = texture.pixels.reshape(-1, 4)
    flat[index, :3] = flat[index, :3] * (1 - share) + made.colour * share
    flat[index, 3] = np.maximum(flat[index, 3], 255 * made.share)
    texture.weight.reshape(-1)[index] = np.maximum(texture.weight.reshape(-1)[index], made.weight)
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
    checkpoint()
    shows = texture.known | texture.changed
    if fill and texture.changed.any() and not shows.all():
        texture.pixels[...] = filled(texture.pixels, shows)
        texture.pixels[~shows, 3] = 255
        texture.changed |= ~shows
