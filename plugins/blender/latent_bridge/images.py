# SPDX-License-Identifier: GPL-3.0-or-later
"""Image data-blocks: reading their pixels, putting results in, and what is noted on them."""

from __future__ import annotations

import array
import json
from dataclasses import dataclass

import bpy

from .jobs import Variant
from .pictures import HostPixels
from .vendored import errors

RECIPE = "latent_bridge"
"""Custom property with the recipe as JSON; prompt and seed have properties of their own, to be read by people."""
VERSION = "latent_bridge_version"
PREVIOUS = "latent_bridge_previous"
MASK_OF = "latent_bridge_mask_of"
"""On a mask: the name of the image that it is for."""


EXR = b"v/1\x01"
"""How files with floats begin."""


@dataclass(frozen=True)
class Noted:
    """What an image tells of its making."""

    prompt: str
    seed: int
    recipe: dict[str, object]


def read(image: bpy.types.Image) -> HostPixels:
    """The image's pixels as they are shown now, saved or not.

    Raises:
        BridgeError: `invalid_field` for an image without pixels, such as the render result.
    """
    width, height = image.size
    if not width or not height or image.type in {"RENDER_RESULT", "COMPOSITING"} or image.source == "TILED":
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD,
            f"The pixels of “{image.name}” cannot be read.",
            hint="Tiled images and render results must be saved as ordinary images first.",
            field="image",
        )
    values = array.array("f", (0.0,)) * (width * height * 4)
    image.pixels.foreach_get(values)
    return HostPixels(width, height, values, linear=image.is_float)


def show(image: bpy.types.Image, variant: Variant) -> None:
    """Put a result into an image. Costs next to nothing: Blender decodes the file when it draws."""
    show_file(image, variant.file)


def show_file(image: bpy.types.Image, file: bytes) -> None:
    """Let the image be what the file shows; it travels in the .blend from now on."""
    if file.startswith(EXR):
        _be_linear(image.colorspace_settings)
    image.source = "GENERATED"
    image.pack(data=file, data_len=len(file))
    image.source = "FILE"  # a change, and only a change, makes Blender forget the pixels it had


def _be_linear(space: bpy.types.ColorManagedInputColorspaceSettings) -> None:
    """Floats are what Blender computes with: an image that took them for sRGB would darken them once more."""
    if space.is_data or space.name == "Raw" or space.name.startswith(("Linear", "ACES")):
        return
    space.name = "Linear Rec.709" if bpy.app.version >= (4, 0, 0) else "Linear"


def new(name: str, variant: Variant) -> bpy.types.Image:
    """A new image data-block with a result."""
    floats = variant.file.startswith(EXR)
    image = bpy.data.images.new(name[:63], 1, 1, alpha=True, float_buffer=floats)
    show(image, variant)
    return image


def note(image: bpy.types.Image, prompt: str, variant: Variant) -> None:
    """Write on the image how it was made."""
    image["prompt"] = prompt
    image["seed"] = str(variant.seed)  # a custom property holds no more than 31 bits
    image[RECIPE] = json.dumps(variant.recipe, default=str)


def noted(image: bpy.types.Image | None) -> Noted | None:
    """How the image was made; None when it does not say."""
    if image is None or RECIPE not in image:
        return None
    try:
        return Noted(str(image["prompt"]), int(image["seed"]), json.loads(image[RECIPE]))
    except (KeyError, TypeError, ValueError):
        return None


def packed_file(image: bpy.types.Image) -> bytes | None:
    """The file inside the .blend, when it is what the image shows."""
    if image.packed_file is None or image.is_dirty or image.source != "FILE":
        return None
    return bytes(image.packed_file.data)


def keep_previous(image: bpy.types.Image, file: bytes) -> bpy.types.Image:
    """A data-block with what the image was, chained to it."""
    number = int(image.get(VERSION, 0))
    previous = bpy.data.images.new(
        f"{image.name[:50]} before {number + 1}", 1, 1, alpha=True, float_buffer=image.is_float
    )
    previous.colorspace_settings.name = image.colorspace_settings.name
    show_file(previous, file)
    previous.use_fake_user = True
    for key in ("prompt", "seed", RECIPE, PREVIOUS):
        if key in image:
            previous[key] = image[key]
    previous[VERSION] = number
    image[PREVIOUS] = previous.name
    image[VERSION] = number + 1
    return previous


def exchange(image: bpy.types.Image, previous: bpy.types.Image) -> None:
    """Exchange what is noted on two versions of an image; each remains the other's previous one."""
    ours, theirs = image.colorspace_settings.name, previous.colorspace_settings.name
    image.colorspace_settings.name, previous.colorspace_settings.name = theirs, ours
    for key in ("prompt", "seed", RECIPE, VERSION):
        ours, theirs = image.get(key), previous.get(key)
        for holder, value in ((image, theirs), (previous, ours)):
            if value is not None:
                holder[key] = value
            elif key in holder:
                del holder[key]
