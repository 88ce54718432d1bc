"""The materials: each a function from a base colour and a coordinate field to a picture.

A material is a function ``(rng, plane, colour) -> picture`` with `colour` an sRGB triple in [0, 1] and the
picture float32 (size, size, 3), not yet clipped. Every length below is in pixels at scale 1.
"""

from types import MappingProxyType

import numpy as np

from training.textures.coverings import bark, fur, gravel, honeycomb, knit, leaves, metal, scales
from training.textures.noise import (
    cell_values,
    fractal_noise,
    relief,
    smooth_noise,
    smoothstep,
    voronoi,
)
from training.textures.palette import Image
from training.textures.surface import Material, Plane, blend, grain, neutral, shade


def brick_wall(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Running-bond bricks in thin mortar."""
    width, height, joint = rng.uniform(32, 42), rng.uniform(13, 17), rng.uniform(1.6, 2.4)
    row = np.floor(plane.y / height)
    across = plane.x + (row % 2) * (width / 2)
    column = np.floor(across / width)
    edge = np.minimum(
        np.minimum(across % width, width - across % width),
        np.minimum(plane.y % height, height - plane.y % height),
    )
    face = shade(colour, 0.82 + 0.3 * cell_values(rng, column, row) + 0.08 * grain(rng, plane, 6))
    bright = float(colour.mean()) > 0.6
    mortar = neutral(rng, 0.4, 0.55) if bright else neutral(rng, 0.62, 0.82)
    mortar_face = shade(mortar, 0.95 + 0.06 * grain(rng, plane, 4))
    return blend(mortar_face, face, smoothstep(joint / 2 - 0.4, joint / 2 + 0.5, edge))


def tiles(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Square glazed tiles with light joints and a soft bevel."""
    side, joint = rng.uniform(26, 32), rng.uniform(1.4, 2.2)
    column, row = np.floor(plane.x / side), np.floor(plane.y / side)
    u, v = plane.x % side, plane.y % side
    edge = np.minimum(np.minimum(u, side - u), np.minimum(v, side - v))
    gloss = 0.16 * (1 - (u + v) / side)
    face = shade(colour, 0.95 + 0.1 * cell_values(rng, column, row) + gloss)
    joints = np.broadcast_to(
        neutral(rng, 0.3, 0.42) if float(colour.mean()) > 0.6 else neutral(rng, 0.82, 0.95), face.shape
    )
    return blend(joints, face, smoothstep(joint / 2 - 0.4, joint / 2 + 0.5, edge))


def wood_planks(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Boards side by side with grain along their length and dark gaps."""
    height = rng.uniform(24, 32)
    across, along = (plane.y, plane.x) if rng.random() < 0.6 else (plane.x, plane.y)
    row = np.floor(across / height)
    tone = cell_values(rng, np.zeros_like(row), row)
    warp = smooth_noise(rng, plane.size, 4, 4)
    rings = np.sin((across + 4 * warp + 30 * tone) * 0.9 + 3 * np.sin(along / 60 + 9 * tone))
    stretch = 6.0 if across is plane.y else 1 / 6.0
    fibre = fractal_noise(rng, plane.size, 7 * plane.scale, 2, stretch=stretch)
    face = shade(colour, 0.88 + 0.2 * (tone - 0.5) + 0.1 * rings + 0.09 * fibre)
    gap = np.minimum(across % height, height - across % height)
    return face * (0.25 + 0.75 * smoothstep(0.3, 1.5, gap))[..., None]


def marble(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Polished stone with thin branching veins."""
    angle = rng.uniform(0, np.pi)
    flow = fractal_noise(rng, plane.size, 60 * plane.scale, 4)
    run = plane.x * np.float32(np.cos(angle)) + plane.y * np.float32(np.sin(angle))
    vein = np.exp(-5 * np.abs(np.sin(run / 26 + 1.5 * flow)))
    thin = np.exp(-12 * np.abs(np.sin(run / 17 - 2.0 * fractal_noise(rng, plane.size, 50 * plane.scale, 4))))
    body = shade(colour, 1 + 0.1 * flow)
    light = float(colour.mean()) > 0.5
    ink = colour * 0.35 if light else colour + (1 - colour) * 0.75
    return blend(body, np.broadcast_to(ink, body.shape), np.clip(0.75 * vein + 0.45 * thin, 0, 0.9))


def checkerboard(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Alternating squares of the colour and a darker (or, for dark colours, lighter) tone of it."""
    side = rng.uniform(15, 21)
    parity = (np.floor(plane.x / side) + np.floor(plane.y / side)) % 2
    return blend(shade(colour, np.full_like(parity, 1.05)), _second_tone(plane, colour), parity)


def _second_tone(plane: Plane, colour: Image) -> Image:
    """Return a clearly different tone of the same hue, as a picture."""
    tone = colour + (1 - colour) * 0.17 if float(colour.mean()) < 0.2 else colour * 0.66
    if float(colour.min()) > 0.8:
        tone = colour * 0.75
    return np.broadcast_to(tone.astype(np.float32), (plane.size, plane.size, 3))


def stripes(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Straight bands in two tones of the colour, upright, level or diagonal."""
    period = rng.uniform(18, 30)
    angle = rng.choice([0, np.pi / 4, np.pi / 2, 3 * np.pi / 4])
    run = (plane.x * np.float32(np.cos(angle)) + plane.y * np.float32(np.sin(angle))) % period
    edge = np.minimum(run, period - run)
    return blend(
        shade(colour, np.full_like(edge, 1.05)),
        _second_tone(plane, colour),
        smoothstep(-0.4, 0.6, period * 0.23 - edge),
    )


def dots(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Round spots of white (or, on light colours, of a darker tone) on a plain ground."""
    side = rng.uniform(19, 26)
    row = np.floor(plane.y / side)
    shift = rng.choice([0.0, 0.5]) * side * (row % 2)
    radius = np.hypot((plane.x + shift) % side - side / 2, plane.y % side - side / 2)
    ground = shade(colour, np.ones_like(radius))
    spot = colour * 0.4 if float(colour.mean()) > 0.75 else np.full(3, 0.94, np.float32)
    return blend(
        ground, np.broadcast_to(spot.astype(np.float32), ground.shape), smoothstep(-0.6, 0.6, side * 0.27 - radius)
    )


def grass(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Upright blades of varying tone, thin and dense."""
    size = plane.size
    blades = fractal_noise(rng, size, max(2.5, 4.5 * plane.scale), 2, stretch=0.25)
    tall = fractal_noise(rng, size, max(4.0, 10 * plane.scale), 2, stretch=0.3)
    clumps = fractal_noise(rng, size, 40 * plane.scale, 2)
    return shade(colour, 0.92 + 0.26 * blades + 0.16 * np.abs(tall) - 0.12 + 0.07 * clumps)


def clouds(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Soft puffs of light on a ground of the colour."""
    field = fractal_noise(rng, plane.size, rng.uniform(35, 60) * plane.scale, 5, gain=0.48)
    field = (field - field.mean()) / field.std()  # a small window must show both sky and cloud
    cover = smoothstep(0.0, 1.5, field)
    pale = float(colour.min()) > 0.8
    sky = colour * 0.9 if pale else colour
    puff = np.ones(3, np.float32) if pale else colour + (1 - colour) * 0.85
    below = shade(sky, 1 + 0.05 * smooth_noise(rng, plane.size, 2, 2))
    return blend(below, np.broadcast_to(puff.astype(np.float32), below.shape), cover)


def cobblestone(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Rounded stones, lit from one side, in dark joints."""
    side = rng.uniform(22, 30)
    cells = voronoi(rng, plane.x / side, plane.y / side, 0.75)
    dome = smoothstep(0.02, 0.35, cells.border)
    light = relief(dome + 0.05 * grain(rng, plane, 5), rng.uniform(0, 2 * np.pi), 1.0)
    tone = 0.85 + 0.3 * cells.value
    return shade(colour, (0.28 + 0.74 * dome) * tone * np.clip(light, 0.6, 1.5))


def water_waves(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Wind waves: crossing wave trains with bright crests."""
    height = np.zeros_like(plane.x)
    drift = fractal_noise(rng, plane.size, 45 * plane.scale, 2)
    base = rng.uniform(-0.25, 0.25)
    for _ in range(4):
        angle = np.pi / 2 + base + rng.normal(0, 0.28)
        wavelength = rng.uniform(13, 26)
        run = plane.x * np.float32(np.cos(angle)) + plane.y * np.float32(np.sin(angle))
        height += np.sin(run * (2 * np.pi / wavelength) + 1.6 * drift + rng.uniform(0, 6.3)).astype(np.float32)
    crest = smoothstep(0.9, 2.6, height)
    return shade(colour, 0.9 + 0.13 * height + 0.9 * crest)


def stone(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """A rough rock face with cracks."""
    size = plane.size
    height = fractal_noise(rng, size, 36 * plane.scale, 5, gain=0.55)
    light = relief(height, rng.uniform(0, 2 * np.pi), 0.9 * min(2.0, plane.scale))
    bend = 0.22 * smooth_noise(rng, size, 5, 5), 0.22 * smooth_noise(rng, size, 5, 5)
    side = rng.uniform(50, 70)
    crack = voronoi(rng, plane.x / side + bend[0], plane.y / side + bend[1], 0.9).border
    value = (0.95 + 0.13 * height) * np.clip(light, 0.45, 1.6)
    return shade(colour, value * (0.35 + 0.65 * smoothstep(0.0, 0.07, crack)))


def fabric(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Plain weave: threads over and under in turn."""
    pitch = rng.uniform(6, 8.5)
    u, v = plane.x / pitch, plane.y / pitch
    over = (np.floor(u) + np.floor(v)) % 2
    bulge_u, bulge_v = np.abs(np.sin(np.pi * u)), np.abs(np.sin(np.pi * v))
    warp_thread = np.sqrt(bulge_u) * (0.55 + 0.45 * bulge_v)
    weft_thread = np.sqrt(bulge_v) * (0.55 + 0.45 * bulge_u)
    thread = np.where(over > 0, 1.08 * warp_thread, 0.92 * weft_thread)
    folds = smooth_noise(rng, plane.size, 2, 2)
    return shade(colour, 0.46 + 0.72 * thread + 0.06 * folds + 0.04 * grain(rng, plane, 3, 1))


def moss(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Soft round cushions of small leaves with dark hollows."""
    big = fractal_noise(rng, plane.size, 30 * plane.scale, 2)
    side = rng.uniform(8, 11)
    cells = voronoi(rng, plane.x / side, plane.y / side, 1.0)
    puff = np.clip(1.15 - 1.1 * cells.nearest, 0, 1)
    speck = grain(rng, plane, 3, 1)
    return shade(colour, 0.3 + 0.8 * puff + 0.14 * big + 0.16 * speck)


def sand(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Wind ripples, softly shaded, in fine grain."""
    wavelength = rng.uniform(28, 44)
    drift = fractal_noise(rng, plane.size, 70 * plane.scale, 2)
    angle = np.pi / 2 + rng.uniform(-0.6, 0.6)
    run = plane.x * np.float32(np.cos(angle)) + plane.y * np.float32(np.sin(angle))
    phase = (run / wavelength + 0.45 * drift) % 1
    ripple = np.where(phase < 0.7, phase / 0.7, (1 - phase) / 0.3)
    grains = rng.standard_normal(plane.x.shape, dtype=np.float32)
    return shade(colour, 0.84 + 0.2 * ripple + 0.09 * grains + 0.05 * grain(rng, plane, 4, 1))


def leather(rng: np.random.Generator, plane: Plane, colour: Image) -> Image:
    """Pebbled hide: small glossy cells parted by fine creases."""
    side = rng.uniform(9, 13)
    bend = 0.5 * smooth_noise(rng, plane.size, 8, 8)
    cells = voronoi(rng, plane.x / side + bend, plane.y / side - bend, 0.95)
    dome = smoothstep(0.0, 0.45, cells.border)
    light = relief(dome, rng.uniform(0, 2 * np.pi), 0.8 * min(2.0, plane.scale))
    folds = smooth_noise(rng, plane.size, 3, 3)
    return shade(colour, (0.62 + 0.4 * dome + 0.05 * folds) * np.clip(light, 0.7, 1.5))


MATERIALS: MappingProxyType[str, Material] = MappingProxyType(
    {
        "brick wall": brick_wall,
        "wood planks": wood_planks,
        "marble": marble,
        "cobblestone": cobblestone,
        "grass": grass,
        "clouds": clouds,
        "fabric": fabric,
        "stone": stone,
        "water waves": water_waves,
        "stripes": stripes,
        "checkerboard": checkerboard,
        "dots": dots,
        "moss": moss,
        "sand": sand,
        "leather": leather,
        "tiles": tiles,
        "gravel": gravel,
        "brushed metal": metal,
        "tree bark": bark,
        "scales": scales,
        "knitted wool": knit,
        "honeycomb": honeycomb,
        "fur": fur,
        "leaves": leaves,
    }
)
MATERIAL_NAMES = tuple(MATERIALS)
