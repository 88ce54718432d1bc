"""Materials of the second edition: what grows, is knitted, overlaps or lies loose. See `materials` for the rest."""

import numpy as np

from training.textures.noise import Field, cell_values, fractal_noise, relief, smooth_noise, smoothstep, voronoi
from training.textures.palette import Image
from training.textures.surface import Plane, blend, grain, shade


def gravel(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Loose pebbles of many tones over darker ones that show between them."""
    picture = shade(colour * np.float32(0.45), 0.9 + 0.2 * grain(rng, plane, 4))
    for low, tone in ((0.15, 0.72), (0.3, 1.0)):
        side = rng.uniform(9, 12)
        bend = 0.12 * grain(rng, plane, 8, 1)
        cells = voronoi(rng, plane.x / side + bend, plane.y / side - bend, 1.0)
        stone = smoothstep(0.08, 0.2, cells.border) * (cells.value > low)
        dome = np.clip(1.15 - 0.7 * cells.nearest, 0, 1)
        light = 1.25 - 0.9 * smoothstep(0.0, 1.0, cells.nearest)
        picture = blend(picture, shade(colour, tone * (0.6 + 0.85 * cells.value) * dome * light), stone)
    return picture


def metal(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Brushed sheet: hair-fine scratches in one direction and broad bands of reflected light across them."""
    along, across = (plane.x, plane.y) if rng.random() < 0.6 else (plane.y, plane.x)
    scratches = _strands(rng, along / 70, across / 1.7)
    streaks = _strands(rng, along / 110, across / 5)
    glare = np.sin(along / rng.uniform(16, 22) + rng.uniform(0, 6.3) + 0.25 * streaks)
    return shade(colour, 0.97 + 0.22 * glare + 0.13 * scratches + 0.07 * streaks)


def bark(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Upright plates of bark between deep, wandering furrows."""
    width, height = rng.uniform(13, 17), rng.uniform(55, 75)
    sway = 0.45 * fractal_noise(rng, plane.size, 40 * plane.scale, 3)
    cells = voronoi(rng, plane.x / width + sway, plane.y / height, 0.9)
    plate = smoothstep(0.0, 0.3, cells.border)
    fibre = fractal_noise(rng, plane.size, max(3.0, 5 * plane.scale), 2, stretch=0.3)
    light = relief(plate + 0.12 * fibre, 0.0, 0.7 * min(2.0, plane.scale))
    return shade(colour, (0.2 + 0.84 * plate) * (0.97 + 0.2 * cells.value + 0.1 * fibre) * np.clip(light, 0.55, 1.5))


def scales(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Rows of rounded scales, each row over the one below, as on a fish, a snake or a shingled roof."""
    width = rng.uniform(18, 24)
    step = width * 0.5
    tones = rng.random((64, 64)).astype(np.float32)
    value = np.full(plane.x.shape, 0.35, np.float32)
    found = np.zeros(plane.x.shape, bool)
    row = np.floor(plane.y / step)
    for lower in (-1, 0, 1):  # an upper row lies on the ones below it
        line = row + lower
        across = plane.x + (line % 2) * (width / 2)
        column = np.floor(across / width)
        u = across - (column + 0.5) * width
        v = plane.y - line * step
        reach = np.hypot(u, v) / (width * 0.6)
        # Light falls on the free end; what lies under the row above is in its shadow.
        tone = 0.74 + 0.16 * tones[(line % 64).astype(int), (column % 64).astype(int)] + 0.85 * v / width
        tone = tone - 0.6 * smoothstep(0.8, 1.0, reach)
        value = np.where((reach < 1) & ~found, tone, value)
        found |= reach < 1
    return shade(colour, value.astype(np.float32))


def knit(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Stocking stitch: columns of plump V-shaped loops."""
    width, height = rng.uniform(15, 19), rng.uniform(10, 12.5)
    u = plane.x / width % 1 - 0.5
    leaning = np.abs(u) * 1.5
    v = (plane.y / height - leaning) % 1
    across = np.abs(np.sin(np.pi * v))
    column = np.abs(np.sin(2 * np.pi * u))
    wool = grain(rng, plane, 3, 1)
    return shade(colour, 0.3 + 0.62 * across**0.7 * (0.45 + 0.75 * column**0.6) + 0.05 * wool)


def honeycomb(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Hexagonal cells: hollow, with bright walls."""
    side = rng.uniform(20, 27)
    wall, middle, tone = _hexagons(rng, plane.x / side, plane.y / side)
    hollow = shade(colour, 0.78 + 0.2 * tone + 0.2 * (1 - middle))
    rim = shade(colour * 0.25 if float(colour.mean()) > 0.6 else colour + (1 - colour) * 0.72, np.ones_like(wall))
    return blend(hollow, rim, 1 - smoothstep(0.07, 0.12, wall))


def _hexagons(rng: np.random.Generator, x: Field, y: Field) -> tuple[Field, Field, Field]:
    """Return the distance to the wall, to the middle, and one number per hexagon; hexagons are 1 wide."""
    tall = np.float32(np.sqrt(3))
    best, wall, tone = np.full(x.shape, 9, np.float32), np.zeros_like(x), np.zeros_like(x)
    for shift in (0.0, 0.5):
        column, row = np.floor(x + shift), np.floor(y / tall + shift)
        u, v = np.abs(x + shift - column - 0.5), np.abs(y + (shift - row - 0.5) * tall)
        distance = np.hypot(u, v)
        border = 0.5 - np.maximum(u, 0.5 * u + 0.5 * tall * v)
        nearer = distance < best
        wall = np.where(nearer, border, wall)
        tone = np.where(nearer, cell_values(rng, column, row), tone)
        best = np.minimum(best, distance)
    return wall, best, tone


def fur(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Long hair that lies in flowing locks."""
    size = plane.size
    sweep = 0.9 * smooth_noise(rng, size, 2, 2) + 0.4 * smooth_noise(rng, size, 4, 4)
    slant = rng.uniform(-0.7, 0.7)
    across = plane.x + slant * plane.y + 9 * sweep
    along = plane.y / 22 + 0.7 * sweep
    fine = _strands(rng, across / 2.4, along)
    locks = _strands(rng, across / 7, along / 1.7)
    return shade(colour, 0.9 + 0.21 * fine + 0.13 * locks)


def _strands(rng: np.random.Generator, x: Field, y: Field) -> Field:
    """Return smooth value noise, about unit variance, at any coordinates (in cells)."""
    table = rng.standard_normal((64, 64)).astype(np.float32)
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    u, v = smoothstep(0, 1, x - column), smoothstep(0, 1, y - row)
    above, below = (
        table[(row + down) % 64, column % 64] * (1 - u) + table[(row + down) % 64, (column + 1) % 64] * u
        for down in (0, 1)
    )
    return (above * (1 - v) + below * v) * np.float32(1.4)


def leaves(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Overlapping pointed leaves with a bright midrib, deeper ones in shadow."""
    picture = shade(colour * np.float32(0.3), np.ones_like(plane.x))
    for depth in (0.5, 0.68, 0.85, 1.0, 1.12):
        picture = _leaf_layer(rng, plane, picture, colour, depth)
    return picture


def _leaf_layer(rng: np.random.Generator, plane: Plane, below: Image, colour: Image, depth: float) -> Image:
    """Lay one layer of leaves, of lightness `depth`, over what is there."""
    side = rng.uniform(17, 21)
    shift = rng.uniform(0, 64, 2).astype(np.float32)
    x, y = plane.x / side + shift[0], plane.y / side + shift[1]
    turns, offsets = rng.uniform(0, 2 * np.pi, (64, 64)), rng.uniform(-0.3, 0.3, (2, 64, 64))
    tones = rng.uniform(0.85, 1.2, (64, 64)).astype(np.float32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            column, row = np.floor(x) + dx, np.floor(y) + dy
            index = row.astype(np.int64) % 64, column.astype(np.int64) % 64
            u, v = x - column - 0.5 + offsets[0][index], y - row - 0.5 + offsets[1][index]
            cos, sin = np.cos(turns[index]), np.sin(turns[index])
            along, across = u * cos + v * sin, np.abs(v * cos - u * sin)
            half = 0.3 * np.clip(1 - np.square(along / 0.75), 0, 1)
            edge = half - across
            rib = smoothstep(0.05, 0.0, across) * (np.abs(along) < 0.6)
            value = depth * tones[index] * (0.82 + 0.35 * smoothstep(0, 0.25, edge)) + 0.35 * depth * rib
            shaded = shade(colour, value.astype(np.float32))
            shadow = below * np.float32(0.6)
            below = blend(below, shadow, (smoothstep(-0.1, 0.0, edge) * (half > 0.02)).astype(np.float32))
            below = blend(below, shaded, (smoothstep(0.0, 0.04, edge) * (half > 0)).astype(np.float32))
    return below
