"""Where one material covers another: weights in [0, 1], shape (size, size), 1 where the upper one lies."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from training.textures.noise import Field, fractal_noise, smooth_noise, smoothstep, voronoi
from training.textures.palette import Image
from training.textures.surface import Plane

Cover = Callable[[np.random.Generator, Plane, Image], Field]


def patches(rng: np.random.Generator, plane: Plane, below: Image) -> Field:
    """Cover ragged patches, between a third and two thirds of the picture."""
    field = fractal_noise(rng, plane.size, rng.uniform(45, 80) * plane.scale, 4)
    field = (field - field.mean()) / field.std()  # a small window must show both materials
    level = rng.uniform(-0.35, 0.35)
    return smoothstep(level - 0.12, level + 0.12, field)


def joints(rng: np.random.Generator, plane: Plane, below: Image) -> Field:
    """Cover what stands out of the lower material's usual lightness: mortar, gaps, hollows; and some patches."""
    light = below.mean(axis=2)
    apart = np.abs(light - np.median(light)) / (np.std(light) + 1e-3)
    patch = smooth_noise(rng, plane.size, 3, 3)
    return smoothstep(0.9, 1.6, apart + 0.35 * patch)


def cracks(rng: np.random.Generator, plane: Plane, below: Image) -> Field:
    """Cover a net of wide, wandering cracks."""
    side = rng.uniform(38, 55)
    bend = 0.2 * fractal_noise(rng, plane.size, 30 * plane.scale, 3)
    border = voronoi(rng, plane.x / side + bend, plane.y / side - bend, 0.9).border
    width = rng.uniform(0.12, 0.2)
    return 1 - smoothstep(width - 0.03, width + 0.03, border)


def edge(rng: np.random.Generator, plane: Plane, below: Image) -> Field:
    """Cover one side of the picture up to a ragged border near its middle."""
    axis = np.linspace(-1, 1, plane.size, dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    slope = axis[:, None] * np.float32(np.sin(angle)) + axis[None] * np.float32(np.cos(angle))
    ragged = slope + 0.3 * fractal_noise(rng, plane.size, 40 * plane.scale, 4) + rng.uniform(-0.2, 0.2)
    return smoothstep(-0.04, 0.04, ragged)


COVERS: MappingProxyType[str, Cover] = MappingProxyType(
    {"patches": patches, "joints": joints, "cracks": cracks, "edge": edge}
)
COVER_NAMES = tuple(COVERS)

#: What grows, drifts or is strewn over other things, and what such things lie on.
LOOSE = ("moss", "grass", "sand", "gravel", "leaves", "water waves")
FIRM = ("brick wall", "wood planks", "marble", "cobblestone", "stone", "tiles", "brushed metal", "tree bark")
#: What has joints that something else can lie in.
JOINTED = frozenset({"brick wall", "wood planks", "cobblestone", "stone", "tiles", "tree bark", "honeycomb", "scales"})
