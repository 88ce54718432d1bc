# SPDX-License-Identifier: GPL-3.0-or-later
"""What a view shows before it is painted: textures, clay where there is none yet, depth, and what to paint. Pure."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from ..vendored import pixels
from .filling import sampled
from .guides import edges, nearness, normal_colours, normals_seen
from .painting import view_weight
from .raster import Seen
from .stopping import checkpoint
from .surface import OCCLUDER, Surface, Texture
from .views import View

BACKGROUND = 128
MUCH_BETTER = 0.5
"""A texel is painted anew by a view when the earlier ones saw it less than this share as well."""


@dataclass(frozen=True)
class Look:
    """A view as it is sent; rows from the bottom.

    Attributes:
        colour: (H, W, 3) uint8.
        mask: (H, W) bool, what shall be painted.
        kept: (H, W) bool, what earlier views have painted and shall stay.
        depth: (H, W) uint8, as depth ControlNets are trained on: white is near, black is the background.
        normal: (H, W, 3) uint8, in the space of the view; see `guides`.
        edges: (H, W) uint8, white lines on black.
    """

    colour: np.ndarray
    mask: np.ndarray
    kept: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    edges: np.ndarray


def look(view: View, seen: Seen, surface: Surface, textures: list[Texture]) -> Look:
    """What the view shows now."""
    covered = seen.triangle >= 0
    triangle, share = seen.triangle[covered], seen.share[covered]
    position = np.einsum("nk,nkc->nc", share, surface.corners[triangle])
    facing = np.einsum("nc,nc->n", surface.normals()[triangle], view.towards(position))
    uv = np.einsum("nk,nkc->nc", share, surface.uvs[triangle])
    clay = 80 + 150 * np.abs(facing)
    colour = np.repeat(clay[:, None], 3, axis=1)
    weight = np.zeros(facing.shape)
    worn = surface.texture[triangle]
    for which, texture in enumerate(textures):
        checkpoint()
        on = np.flatnonzero(worn == which)
        height, width = texture.known.shape
        x, y = uv[on, 0] * width, uv[on, 1] * height
        cell = np.floor(y).astype(np.int64) % height, np.floor(x).astype(np.int64) % width
        weight[on] = texture.weight[cell]
        shows = texture.known[cell] | (texture.weight[cell] > 0)
        colour[on[shows]] = sampled(texture.pixels[..., :3], x[shows], y[shows], wrap=True)
    paintable = (worn != OCCLUDER) & (view_weight(facing) > 0)
    wanted = paintable & (weight < MUCH_BETTER * view_weight(facing))
    checkpoint()
    normals = normals_seen(view, seen, surface)
    checkpoint()
    return Look(
        _placed(np.clip(colour + 0.5, 0, 255).astype(np.uint8), covered, BACKGROUND),
        _placed(wanted, covered, False),
        _placed((weight > 0) & ~wanted, covered, False),
        nearness(seen.depth),
        normal_colours(normals),
        edges(view, seen, normals),
    )


def rgb_picture(values: np.ndarray) -> pixels.Picture:
    """(H, W, 3) or (H, W) uint8, rows from the bottom, as a picture of the protocol with alpha of 255."""
    height, width = values.shape[:2]
    rgba = np.full((height, width, 4), 255, dtype=np.uint8)
    rgba[..., :3] = values if values.ndim == 3 else values[..., None]
    return pixels.Picture(width, height, pixels.PixelFormat.RGBA8, rgba[::-1].tobytes())


def mask_picture(mask: np.ndarray) -> pixels.Picture:
    """(H, W) bool, rows from the bottom, as gray8."""
    height, width = mask.shape
    data = (mask[::-1] * np.uint8(255)).tobytes()
    return pixels.Picture(width, height, pixels.PixelFormat.GRAY8, data)


def read_png(file: bytes) -> np.ndarray:
    """(H, W, 3) uint8, rows from the bottom, of a file that `pictures.png` made of an rgb8 or rgba8 picture."""
    width, height, _, kind = struct.unpack_from(">IIBB", file, 16)
    length = struct.unpack_from(">I", file, 33)[0]
    channels = {2: 3, 6: 4}[kind]
    lines = np.frombuffer(zlib.decompress(file[41 : 41 + length]), dtype=np.uint8).reshape(height, -1)
    return lines[::-1, 1:].reshape(height, width, channels)[..., :3]


def _placed(values: np.ndarray, covered: np.ndarray, elsewhere: float) -> np.ndarray:
    out = np.full((*covered.shape, *values.shape[1:]), elsewhere, dtype=values.dtype)
    out[covered] = values
    return out
