# SPDX-License-Identifier: GPL-3.0-or-later
"""Painted textures into the images that their wearers show."""

from __future__ import annotations

import array
from collections.abc import Sequence
from dataclasses import dataclass, replace

import bpy
import numpy as np

from .. import delivery, images, materials, session
from ..jobs import Variant
from ..pictures import HostPixels, picture_of, png
from .keeping import Kept, Wearer
from .surface import Texture


@dataclass(frozen=True)
class Written:
    """An image to be.

    Attributes:
        file: what it will show, as a PNG.
        previous: what it showed, as a PNG; None for a new one.
        width: pixels.
        height: pixels.
    """

    file: bytes
    previous: bytes | None
    width: int
    height: int


def held_by(wearers: list[Wearer], home: bool) -> list[HostPixels | None]:
    """What the images show now; None for those that are not there, and for all when they are not at home."""
    found = [bpy.data.images.get(wearer.image) if wearer.image and home else None for wearer in wearers]
    return [images.read(image) if image is not None else None for image in found]


def files_of(textures: Sequence[Texture], held: list[HostPixels | None]) -> list[Written | None]:
    """For the worker: the files, None for textures of which nothing changed."""
    return [_written(texture, each) for texture, each in zip(textures, held, strict=True)]


def _written(texture: Texture, held: HostPixels | None) -> Written | None:
    if not texture.changed.any():
        return None
    height, width = texture.known.shape
    painted = np.round(np.clip(texture.pixels, 0, 255)).astype(np.float32) / np.float32(255)
    previous = None
    if held is not None and (held.width, held.height) == (width, height):
        now = np.frombuffer(held.values, dtype=np.float32).reshape(height, width, 4)
        painted = np.where(texture.changed[..., None], painted, now)
        previous = png(picture_of(held))
    after = HostPixels(width, height, array.array("f", painted.astype(np.float32).tobytes()))
    return Written(png(picture_of(after)), previous, width, height)


def put(files: list[Written | None], kept: Kept, title: str, home: bool) -> tuple[list[Wearer], list[str]]:
    """Change the images, and make those that are missing; returns who wears what now, and the images' names."""
    wearers, names = [], []
    for wearer, file in zip(kept.wearers, files, strict=True):
        wearers.append(wearer)
        if file is None:
            continue
        variant = Variant(0, file.width, file.height, file.file, kept.seed, kept.recipe)
        image = bpy.data.images.get(wearer.image) if wearer.image and file.previous is not None else None
        if image is None:
            image = _new_image(wearer, title, variant, home)
        else:
            session.current().put(image, title, variant, file.previous)
        if home:
            wearers[-1] = replace(wearer, image=image.name)
        names.append(image.name)
    return wearers, names


def _new_image(wearer: Wearer, title: str, variant: Variant, home: bool) -> bpy.types.Image:
    """An image in the materials of its wearers; a plain one when they are gone."""
    image = images.new(title[: delivery.NAME_LENGTH], variant)
    images.note(image, title, variant)
    found = [(bpy.data.objects.get(name), slot) for name, slot in wearer.slots] if home else []
    for target, slot in found:
        if target is not None and not wearer.image:
            materials.wire_base_colour(materials.slot_material(target, slot), image)
    image.use_fake_user = not image.users
    return image
