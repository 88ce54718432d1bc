# SPDX-License-Identifier: GPL-3.0-or-later
"""Courses on disk, so that the next Blender can go on where a former one ended. Pure; belongs on a worker."""

from __future__ import annotations

import contextlib
import json
import zipfile
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np

from ..requests import Wishes
from ..vendored import errors, private_file
from .course import Course, Finish
from .surface import Surface, Texture
from .views import View

SURFACE = tuple(each.name for each in fields(Surface))


@dataclass(frozen=True)
class Wearer:
    """A texture and who wears it. Names: data-blocks do not live through an undo.

    Attributes:
        image: that exists; empty for a new one.
        slots: objects with the index of a material slot.
    """

    image: str
    slots: tuple[tuple[str, int], ...]


@dataclass
class Kept:
    """A course, and what is needed beside it to bring its textures home.

    Attributes:
        course: the views that are left, and what was painted.
        wearers: of its textures, in their order.
        shapes: by the name of an object, what its mesh and UVs were; see `fitting`.
        total: how many views there were.
        awaits: id of the job that makes the picture of the next view; empty when it was stopped.
        seed: of the last picture.
        recipe: of the last picture.
    """

    course: Course
    wearers: list[Wearer]
    shapes: dict[str, list[int]]
    total: int
    awaits: str = ""
    seed: int = 0
    recipe: dict[str, object] = field(default_factory=dict)


def keep(kept: Kept, path: Path) -> None:
    """Write it in one step. A folder that cannot be written costs the memory, not the course."""
    course = kept.course
    told = {
        **{name: getattr(kept, name) for name in ("shapes", "total", "awaits", "seed", "recipe")},
        "wearers": [asdict(each) for each in kept.wearers],
        "wishes": asdict(course.wishes),
        "guides": course.guides,
        "ending": asdict(course.ending),
        "painted": course.painted,
        "views": [[view.name, view.width, view.height] for view in course.pending],
        "textures": [texture.name for texture in course.textures],
    }
    arrays = {
        "told": np.frombuffer(json.dumps(told, default=str).encode(), dtype=np.uint8),
        "to_view": np.array([view.to_view for view in course.pending]),
        "to_clip": np.array([view.to_clip for view in course.pending]),
        **{name: getattr(course.surface, name) for name in SURFACE},
    }
    for number, texture in enumerate(course.textures):
        arrays |= {f"{name} {number}": values for name, values in _texture_arrays(texture).items()}
    with contextlib.suppress(OSError), private_file.replacing(path) as file:
        np.savez(file, **arrays)


def _texture_arrays(texture: Texture) -> dict[str, np.ndarray]:
    """Whole numbers where nothing was painted: so it was read."""
    return {
        "base": np.clip(np.round(texture.pixels), 0, 255).astype(np.uint8),
        "known": texture.known,
        "changed": texture.changed,
        "weight": texture.weight.astype(np.float32),
        "painted": texture.pixels[texture.changed].astype(np.float32),
    }


def load(path: Path) -> Kept:
    """Read it again.

    Raises:
        BridgeError: `interrupted` when it is not there, or is nothing that `keep` wrote.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _read(dict(arrays))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise errors.BridgeError(
            errors.ErrorCode.INTERRUPTED,
            "What was kept of this projection cannot be read any more.",
            hint="Use the view's picture as an image of its own, or project again.",
        ) from error


def _read(arrays: dict[str, np.ndarray]) -> Kept:
    told = json.loads(arrays["told"].tobytes())
    textures = []
    for number, name in enumerate(told["textures"]):
        held = {key: arrays[f"{key} {number}"] for key in ("base", "known", "changed", "weight", "painted")}
        texture = Texture(name, held["base"].astype(np.float64), held["known"])
        texture.changed[...] = held["changed"]
        texture.weight[...] = held["weight"]
        texture.pixels[texture.changed] = held["painted"]
        textures.append(texture)
    views = [
        View(name, to_view, to_clip, width, height)
        for (name, width, height), to_view, to_clip in zip(
            told["views"], arrays["to_view"], arrays["to_clip"], strict=True
        )
    ]
    surface = Surface(*(arrays[name] for name in SURFACE))
    course = Course(surface, textures, views, Wishes(**told["wishes"]), told["guides"], Finish(**told["ending"]))
    course.painted = told["painted"]
    wearers = [Wearer(each["image"], tuple((name, slot) for name, slot in each["slots"])) for each in told["wearers"]]
    return Kept(course, wearers, **{name: told[name] for name in ("shapes", "total", "awaits", "seed", "recipe")})
