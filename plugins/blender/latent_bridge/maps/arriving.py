# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps that have arrived: images of their own, found again beside their base colour."""

from __future__ import annotations

import json

import bpy

from .. import images
from ..jobs import Variant

DATA = "Non-Color"
LINK = "latent_bridge_map_"
"""Custom properties of a base colour: the names of its maps."""


def show(base: bpy.types.Image, variants: tuple[Variant, ...]) -> dict[str, bpy.types.Image]:
    """The maps as images, by kind. Those that were made before of the same base colour are exchanged."""
    shown = {}
    for variant in variants:
        kind = str(variant.recipe.get("map", "map"))
        image = bpy.data.images.get(base.get(LINK + kind, ""))
        if image is None or images.RECIPE not in image:
            image = bpy.data.images.new(f"{base.name[:52]} {kind}", 1, 1, alpha=False)
        image.colorspace_settings.name = DATA
        images.show(image, variant)
        image.colorspace_settings.name = DATA  # what the file inside would have it be does not count
        image[images.RECIPE] = json.dumps(variant.recipe, default=str)
        base[LINK + kind] = image.name
        shown[kind] = image
    return shown
