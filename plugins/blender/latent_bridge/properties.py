# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels' fields hold, kept in the scene."""

from __future__ import annotations

import random

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)

from . import session
from .requests import Wishes

MAX_SEED = 2**31 - 1
"""Blender's fields hold no more; the daemon would draw from twice as many, which no field could repeat."""
SEAMLESS = [
    ("none", "No", "The sides need not fit"),
    ("x", "X", "Left and right continue each other"),
    ("y", "Y", "Top and bottom continue each other"),
    ("xy", "Both", "All sides fit: the texture tiles"),
]
SIZES = [(str(side), f"{side} × {side}", "") for side in (256, 512, 1024, 2048, 4096)] + [
    ("custom", "Other…", "Any width and height")
]
MASKS = [
    ("box", "Box", "The box that was dragged in the Image Editor"),
    ("image", "Mask Image", "White in another image, which can be painted"),
]


def _models(_: object, context: bpy.types.Context, typed: str) -> list[str]:
    welcome = session.current().welcome
    usable = [model.id for model in welcome.models if not model.unusable] if welcome is not None else []
    return [name for name in usable if typed.lower() in name.lower()]


class LATENTBRIDGE_PG_settings(bpy.types.PropertyGroup):
    """Fields of the panels."""

    prompt: StringProperty(name="Prompt", description="What it shall look like")
    negative_prompt: StringProperty(name="Without", description="What it shall not show")
    model: StringProperty(name="Model", description="Empty for the daemon's default", search=_models)
    size: EnumProperty(name="Size", items=SIZES, default="512")
    width: IntProperty(name="Width", default=512, min=16, max=4096, subtype="PIXEL")
    height: IntProperty(name="Height", default=512, min=16, max=4096, subtype="PIXEL")
    seamless: EnumProperty(name="Seamless", items=SEAMLESS, default="xy")
    variants: IntProperty(name="Variants", description="How many to choose from", default=1, min=1, max=16)
    fixed_seed: BoolProperty(name="Fixed Seed", description="The same seed makes the same picture")
    seed: IntProperty(name="Seed", min=0)
    steps: IntProperty(name="Steps", description="0: what the model recommends", min=0, max=150)
    guidance_scale: FloatProperty(
        name="Guidance", description="How closely the prompt is followed. 0: what the model recommends", min=0, max=30
    )
    strength: FloatProperty(
        name="Strength", description="How much may change", default=0.6, min=0, max=1, subtype="FACTOR"
    )
    mask_from: EnumProperty(name="Mask", items=MASKS)
    mask_image: PointerProperty(name="Mask Image", type=bpy.types.Image)
    box: IntVectorProperty(
        name="Box",
        description="Left, bottom, right, top in pixels",
        size=4,
        min=0,
        subtype="NONE",
        default=(0, 0, 0, 0),
    )
    grow: IntVectorProperty(
        name="Sides",
        description="Pixels to add: left, top, right, bottom",
        size=4,
        min=0,
        max=4096,
        default=(0, 0, 0, 0),
    )
    scale: FloatProperty(name="Scale", description="Sides of the result over sides now", default=2, min=1, max=8)
    detail: FloatProperty(
        name="Detail", description="How much the model may paint", default=0.3, min=0, max=1, subtype="FACTOR"
    )
    render_after: BoolProperty(
        name="After Every Render", description="Send every picture that was rendered, frames of animations too"
    )
    render_strength: FloatProperty(
        name="Strength", description="How much of the render may change", default=0.4, min=0, max=1, subtype="FACTOR"
    )

    def sides(self) -> tuple[int, int]:
        """Width and height of a texture, pixels."""
        return (self.width, self.height) if self.size == "custom" else (int(self.size), int(self.size))

    def wishes(
        self, strength: float | None = None, *, images: int | None = None, seamless: str | None = None
    ) -> Wishes:
        """The fields as a value that may travel to another thread."""
        return Wishes(
            prompt=self.prompt,
            negative_prompt=self.negative_prompt,
            model=self.model,
            seed=self.seed if self.fixed_seed else random.randint(0, MAX_SEED),
            steps=self.steps,
            guidance_scale=self.guidance_scale,
            images=images or self.variants,
            seamless=seamless or self.seamless,
            strength=self.strength if strength is None else strength,
        )


def register() -> None:
    """Give every scene the fields."""
    bpy.utils.register_class(LATENTBRIDGE_PG_settings)
    bpy.types.Scene.latent_bridge = PointerProperty(type=LATENTBRIDGE_PG_settings)


def unregister() -> None:
    """Take them away."""
    del bpy.types.Scene.latent_bridge
    bpy.utils.unregister_class(LATENTBRIDGE_PG_settings)
