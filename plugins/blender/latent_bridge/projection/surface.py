# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a view may show, as triangles, and the textures that some of them wear. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..pictures import HostPixels
from .raster import fragments

OCCLUDER = -1
"""Instead of a texture: the triangle only hides others."""
INSIDE = 1e-6
"""Shares from which on a texel lies in a triangle and not on its side, where neighbours meet."""


@dataclass(frozen=True)
class Surface:
    """Triangles in the world.

    Attributes:
        corners: (T, 3, 3).
        uvs: (T, 3, 2).
        texture: (T,) which texture they wear, or `OCCLUDER`.
        flipped: (T,) whether their corners run clockwise seen from outside, as on a mirrored object.
        shading: (T, 3, 3) unit normals at the corners, as the mesh is shaded; 0 where nothing is known of it.
    """

    corners: np.ndarray
    uvs: np.ndarray
    texture: np.ndarray
    flipped: np.ndarray
    shading: np.ndarray

    def normals(self) -> np.ndarray:
        """(T, 3) unit vectors outwards; 0 for triangles without an area."""
        first, second = self.corners[:, 1] - self.corners[:, 0], self.corners[:, 2] - self.corners[:, 0]
        normal = np.cross(first, second) * np.where(self.flipped, -1, 1)[:, None]
        return _unit(normal)

    def shaded(self, triangle: np.ndarray, share: np.ndarray) -> np.ndarray:
        """(N, 3) unit normals as shading shows them, at places given by triangle (N,) and barycentric share (N, 3)."""
        normal = np.einsum("nk,nkc->nc", share, self.shading[triangle])
        known = np.linalg.norm(normal, axis=1) > 1e-6
        return np.where(known[:, None], _unit(normal), self.normals()[triangle])


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-20)


@dataclass(frozen=True)
class Texels:
    """Where the texels of a texture are in the world.

    Attributes:
        index: (N,) row times width plus column, rows from the bottom; the same once more for every other place of it.
        position: (N, 3).
        normal: (N, 3), of the triangle.
        shared: how much of them several places wear, 0 to 1.
    """

    index: np.ndarray
    position: np.ndarray
    normal: np.ndarray
    shared: float = 0.0


@dataclass
class Texture:
    """A texture that is painted; rows from the bottom.

    Attributes:
        name: of the image.
        pixels: (H, W, 4), 0 to 255, as floats: many views are blended before anything is rounded.
        known: (H, W) what showed something before; nothing in an image that was made for this.
        weight: (H, W) how well the views so far saw each texel, 0 to 1.
        changed: (H, W) what was painted.
    """

    name: str
    pixels: np.ndarray
    known: np.ndarray
    weight: np.ndarray = field(init=False)
    changed: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.weight = np.zeros(self.known.shape)
        self.changed = np.zeros(self.known.shape, dtype=bool)

    def copy(self) -> Texture:
        """One that can be changed without this one."""
        made = Texture(self.name, self.pixels.copy(), self.known)
        made.weight, made.changed = self.weight.copy(), self.changed.copy()
        return made


@dataclass(frozen=True)
class Shown:
    """A texture as Blender shows it, not looked at yet.

    Attributes:
        name: of the image; empty for a new one.
        side: of a new one, pixels.
        held: what an image shows; None for a new one.
    """

    name: str
    side: int
    held: HostPixels | None = None

    def texture(self) -> Texture:
        """One to be painted. For the worker: at 4096² half a gigabyte is written."""
        if self.held is None:
            grey = np.full((self.side, self.side, 4), 128.0)
            grey[..., 3] = 255
            return Texture(self.name, grey, np.zeros((self.side, self.side), dtype=bool))
        shape = self.held.height, self.held.width
        values = np.frombuffer(self.held.values, dtype=np.float32).reshape(*shape, 4) * np.float64(255)
        return Texture(self.name, np.round(values, out=values), np.ones(shape, dtype=bool))


def texels_of(surface: Surface, which: int, texture: Texture) -> Texels:
    """The texels whose centres lie in triangles; in several places where UVs overlap.

    Triangles in other tiles of the UV space are moved into the first.
    """
    height, width = texture.known.shape
    mine = np.flatnonzero(surface.texture == which)
    uvs = surface.uvs[mine] - np.floor(surface.uvs[mine].mean(axis=1, keepdims=True))
    normals = surface.normals()[mine]
    pixels, places, owners = [np.zeros(0, np.int64)], [np.zeros((0, 3))], [np.zeros(0, np.int64)]
    inner = pixels.copy()
    for found in fragments(uvs * (width, height), width, height):
        pixels.append(found.pixel)
        owners.append(found.triangle)
        places.append(np.einsum("nk,nkc->nc", found.share, surface.corners[mine][found.triangle]))
        inner.append(found.pixel[found.share.min(axis=1) > INSIDE])
    times = np.bincount(np.concatenate(inner), minlength=1)
    shared = np.count_nonzero(times > 1) / max(np.count_nonzero(times), 1)
    return Texels(np.concatenate(pixels), np.concatenate(places), normals[np.concatenate(owners)], float(shared))
