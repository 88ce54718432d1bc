"""Whole pictures: a material in a colour, seen at some zoom and angle, in some light, or two side by side."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from training.textures.captions import (
    JOINS,
    MOSSY,
    NATURAL_COLOURS,
    WORN_WORDS,
    colour_caption,
    cover_caption,
    decorate,
    phrase,
    plain_cover_caption,
)
from training.textures.materials import MATERIAL_NAMES, MATERIALS
from training.textures.noise import Field, fractal_noise, smooth_noise, smoothstep
from training.textures.overlays import COVER_NAMES, COVERS, FIRM, JOINTED, LOOSE
from training.textures.palette import COLOURS, Image, colour_value
from training.textures.surface import Plane, blend

#: Colours that stay recognisable when darkened or lightened ("light black" would not).
TONED = frozenset({"red", "green", "blue", "purple", "grey", "teal", "brown", "pink"})

#: How often each material is shown, 1 unless named: what a denoiser learns slowly is shown more often.
SHOWN = MappingProxyType(
    {"checkerboard": 2.0, "marble": 2.0, "stone": 1.5, "stripes": 1.5, "brick wall": 1.3}
    # What the first edition had not seen.
    | dict.fromkeys(("gravel", "brushed metal", "tree bark", "scales"), 2.0)
    | dict.fromkeys(("knitted wool", "honeycomb", "fur", "leaves"), 2.0)
)


@dataclass(frozen=True)
class Sample:
    """One training picture: sRGB float32 (size, size, 3) in [0, 1], its caption and what it shows.

    `above` and `colour_above` are the material that covers the first one, empty where there is one material.
    """

    picture: Image
    caption: str
    material: str
    colour: str
    above: str = ""
    colour_above: str = ""


def make_plane(rng: np.random.Generator, size: int, scale: float, turn: float, tilt: float) -> Plane:
    """Return coordinates in units of 1/`scale` pixels, turned by `turn` radians.

    `tilt` in [0, 1) leans the plane away towards the top, as a floor or a wall seen at an angle.
    """
    axis = np.arange(size, dtype=np.float32) - np.float32(size / 2)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    depth = 1 + np.float32(tilt) * (-y / size)
    x, y = x * depth, y * depth
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    offset = rng.uniform(0, 500, 2).astype(np.float32)
    return Plane(
        (x * cos - y * sin) / np.float32(scale) + offset[0], (x * sin + y * cos) / np.float32(scale) + offset[1], scale
    )


def random_plane(rng: np.random.Generator, size: int) -> Plane:
    """Return a plane at a random zoom; most are level and flat, some turned or leaning."""
    scale = float(np.exp(rng.uniform(np.log(0.75), np.log(1.7))))
    turn = float(rng.normal(0, 0.12)) if rng.random() < 0.3 else 0.0
    tilt = float(rng.uniform(-0.7, 0.7)) if rng.random() < 0.15 else 0.0
    return make_plane(rng, size, scale, turn, tilt)


def _toned(colour: Image, tone: str) -> Image:
    if tone == "dark":
        return colour * np.float32(0.58)
    if tone == "light":
        return colour + (1 - colour) * np.float32(0.42)
    return colour


def _grow_moss(rng: np.random.Generator, picture: Image, plane: Plane) -> Image:
    patch = fractal_noise(rng, plane.size, 40 * plane.scale, 4)
    green = colour_value("green") * np.float32(rng.uniform(0.7, 0.95))
    moss = MATERIALS["moss"](rng, plane, green)
    return blend(picture, moss, smoothstep(0.1, 0.7, patch))


def _wear(rng: np.random.Generator, picture: Image, plane: Plane) -> Image:
    stain = smoothstep(0.2, 1.6, fractal_noise(rng, plane.size, 50 * plane.scale, 5))
    grey = picture.mean(axis=2, keepdims=True) * 0.6 + np.array([0.1, 0.09, 0.07], np.float32)
    return blend(picture, np.broadcast_to(grey, picture.shape), 0.75 * stain)


def render(
    rng: np.random.Generator, material: str, colour: str, plane: Plane, tone: str = "", state: str = ""
) -> Image:
    """Render one material on a plane, float32 (size, size, 3), not clipped; small random shift of colour."""
    base = _toned(colour_value(colour), tone)
    base = base * np.float32(1 + 0.05 * rng.standard_normal()) + rng.normal(0, 0.012, 3).astype(np.float32)
    picture = MATERIALS[material](rng, plane, np.clip(base, 0.03, 0.97))
    if state == "mossy":
        return _grow_moss(rng, picture, plane)
    return _wear(rng, picture, plane) if state else picture


def light_up(rng: np.random.Generator, picture: Image) -> Image:
    """Multiply by one or two of: a slope of light, a vignette, a soft or hard shadow."""
    size = picture.shape[0]
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    slope = axis[:, None] * np.float32(np.sin(angle)) + axis[None] * np.float32(np.cos(angle))
    light = np.ones((size, size), np.float32)
    kind = rng.integers(4)
    if kind in (0, 1):
        light *= 1 + np.float32(rng.uniform(0.1, 0.3)) * slope
    if kind in (1, 2):
        light *= 1 - np.float32(rng.uniform(0.1, 0.3)) * (axis[:, None] ** 2 + axis[None] ** 2) / 2
    if kind == 3:
        width = rng.uniform(0.02, 0.5)
        edge = slope + 0.25 * smooth_noise(rng, size, 3, 3) - rng.uniform(-0.7, 0.7)
        light *= 1 - np.float32(rng.uniform(0.25, 0.5)) * smoothstep(-width, width, edge)
    return picture * light[..., None]


def region(rng: np.random.Generator, size: int) -> Field:
    """Return a random region as weights in [0, 1], (size, size): half plane, disc, box or blob."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    x, y = np.broadcast_to(axis[None], (size, size)), np.broadcast_to(axis[:, None], (size, size))
    kind = rng.integers(4)
    if kind == 0:
        angle = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
        field = x * np.cos(angle) + y * np.sin(angle) - rng.uniform(-0.3, 0.3)
    elif kind == 1:
        field = rng.uniform(0.4, 0.75) - np.hypot(x - rng.uniform(-0.4, 0.4), y - rng.uniform(-0.4, 0.4))
    elif kind == 2:
        near_x, near_y = np.abs(x - rng.uniform(-0.4, 0.4)), np.abs(y - rng.uniform(-0.4, 0.4))
        field = np.minimum(rng.uniform(0.35, 0.7) - near_x, rng.uniform(0.35, 0.7) - near_y)
    else:
        field = 0.5 * fractal_noise(rng, size, size / 1.5, 3)
    soft = rng.choice([0.01, 0.03, 0.25])
    return smoothstep(-soft, soft, field.astype(np.float32))


def _finish(rng: np.random.Generator, picture: Image) -> Image:
    if rng.random() < 0.4:
        picture = light_up(rng, picture)
    return np.clip(picture, 0, 1).astype(np.float32)


def single(rng: np.random.Generator, size: int, material: str, colour: str) -> Sample:
    """Return a picture of one material whose caption may leave the colour or the material out."""
    plane = random_plane(rng, size)
    roll, tone, state = rng.random(), "", ""
    if roll < 0.15:  # no colour named: the material in a colour natural to it
        names = NATURAL_COLOURS[material]
        colour = names[int(rng.integers(len(names)))]
    elif colour in TONED and rng.random() < 0.2:
        tone = ("dark", "light")[int(rng.integers(2))]
    if rng.random() < 0.08:
        state = WORN_WORDS[int(rng.integers(len(WORN_WORDS)))]
    elif material in MOSSY and rng.random() < 0.12:
        state = "mossy"
    picture = render(rng, material, colour, plane, tone, state)
    if roll < 0.15:
        caption = decorate(rng, phrase(rng, material, None, state=state))
    elif roll < 0.22:
        caption = colour_caption(rng, colour, tone)
    else:
        caption = decorate(rng, phrase(rng, material, colour, tone, state))
    return Sample(_finish(rng, picture), caption, material, colour)


def pair(rng: np.random.Generator, size: int) -> Sample:
    """Return one material beside or on another; `material` and `colour` name the first of them."""
    plane = random_plane(rng, size)
    first, second = (str(name) for name in rng.choice(MATERIAL_NAMES, 2, replace=False))
    hue, other = str(rng.choice(COLOURS)), str(rng.choice(COLOURS))
    weight = region(rng, size)
    above = render(rng, second, other, random_plane(rng, size))
    picture = blend(render(rng, first, hue, plane), above, weight)
    join = JOINS[int(rng.integers(len(JOINS)))]
    caption = decorate(rng, phrase(rng, first, hue) + join + phrase(rng, second, other))
    return Sample(_finish(rng, picture), caption, first, hue, second, other)


def overlay(rng: np.random.Generator, size: int) -> Sample:
    """Return one material that covers part of another, as "moss in the joints of a grey brick wall"."""
    if rng.random() < 0.5:
        above, below = str(rng.choice(LOOSE)), str(rng.choice(FIRM))
    else:
        above, below = (str(name) for name in rng.choice(MATERIAL_NAMES, 2, replace=False))
    (hue_above, word_above), (hue_below, word_below) = _hue(rng, above), _hue(rng, below)
    cover = COVER_NAMES[int(rng.integers(len(COVER_NAMES)))]
    if cover == "joints" and below not in JOINTED:
        cover = "patches"
    picture = cover_over(rng, random_plane(rng, size), (above, hue_above), (below, hue_below), cover)
    caption = cover_caption(rng, cover, phrase(rng, above, word_above), phrase(rng, below, word_below))
    return Sample(_finish(rng, picture), decorate(rng, caption, article=False), below, hue_below, above, hue_above)


def _hue(rng: np.random.Generator, material: str) -> tuple[str, str | None]:
    """Return a colour and what the caption says of it: itself, or nothing where it is natural to the material."""
    if rng.random() < 0.35:
        return str(rng.choice(NATURAL_COLOURS[material])), None
    hue = str(rng.choice(COLOURS))
    return hue, hue


def cover_over(
    rng: np.random.Generator, plane: Plane, above: tuple[str, str], below: tuple[str, str], cover: str
) -> Image:
    """Render (material, colour) `above` over `below` where `cover` says, with a soft shadow along its border."""
    ground = render(rng, *below, plane)
    weight = COVERS[cover](rng, plane, ground)
    shadow = 1 - 0.35 * np.sqrt(np.clip(weight * (1 - weight) * 4, 0, 1))
    return blend(ground, render(rng, *above, plane), weight) * shadow[..., None]


def make_sample(rng: np.random.Generator, size: int) -> Sample:
    """Return a random training picture of `size` pixels with its caption."""
    roll = rng.random()
    if roll < 0.07:
        return pair(rng, size)
    if roll < 0.2:
        return overlay(rng, size)
    shares = np.array([SHOWN.get(name, 1.0) for name in MATERIAL_NAMES])
    material = str(rng.choice(MATERIAL_NAMES, p=shares / shares.sum()))
    return single(rng, size, material, COLOURS[int(rng.integers(len(COLOURS)))])


def plain_overlay(rng: np.random.Generator, size: int, above: tuple[str, str], below: tuple[str, str]) -> Sample:
    """Return one (material, colour) in patches on another, evenly lit, as the evaluation of pairs expects."""
    scale = float(np.exp(rng.uniform(np.log(0.75), np.log(1.7))))
    picture = cover_over(rng, make_plane(rng, size, scale, 0.0, 0.0), above, below, "patches")
    caption = plain_cover_caption(*above, *below)
    return Sample(np.clip(picture, 0, 1).astype(np.float32), caption, *below, *above)


def plain_sample(rng: np.random.Generator, size: int, material: str, colour: str) -> Sample:
    """Return one evenly lit, level picture of exactly this material and colour, as the evaluation expects."""
    scale = float(np.exp(rng.uniform(np.log(0.75), np.log(1.7))))
    plane = make_plane(rng, size, scale, 0.0, 0.0)
    picture = np.clip(render(rng, material, colour, plane), 0, 1).astype(np.float32)
    return Sample(picture, f"{colour} {material}", material, colour)
