# SPDX-License-Identifier: GPL-3.0-or-later
"""Textures from a prompt."""

from __future__ import annotations

import functools

import bpy

from .. import delivery, images, requests, session
from ..jobs import Goal
from ..properties import MAX_SEED
from ..vendored import tasks
from .reporting import reported


class LATENTBRIDGE_OT_texture(bpy.types.Operator):
    """Make a texture from the prompt, and show it as the base colour of the active material"""

    bl_idname = "latent_bridge.texture"
    bl_label = "Generate Texture"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs words."""
        return bool(context.scene.latent_bridge.prompt.strip())

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue the job; its result arrives by itself."""
        settings = context.scene.latent_bridge
        wishes, (width, height) = settings.wishes(), settings.sides()
        session.current().submit(
            functools.partial(requests.texture, wishes, width, height),
            settings.prompt,
            delivery.here(
                Goal.TEXTURE, target=context.object, with_maps=context.scene.latent_bridge_maps.with_textures
            ),
            wishes.images,
        )
        return {"FINISHED"}


class LATENTBRIDGE_OT_recall(bpy.types.Operator):
    """Fill the fields with what made this image, its seed included"""

    bl_idname = "latent_bridge.recall"
    bl_label = "Use Its Settings"
    bl_options = {"REGISTER", "UNDO"}

    image: bpy.props.StringProperty(name="Image")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Read the recipe."""
        noted = images.noted(bpy.data.images.get(self.image))
        if noted is None:
            self.report({"WARNING"}, "This image does not tell how it was made.")
            return {"CANCELLED"}
        recall(context.scene.latent_bridge, noted)
        return {"FINISHED"}


class LATENTBRIDGE_OT_again(bpy.types.Operator):
    """Make a texture with the settings that are stored on this image, and another seed"""

    bl_idname = "latent_bridge.again"
    bl_label = "Generate Again"

    image: bpy.props.StringProperty(name="Image")
    same_seed: bpy.props.BoolProperty(name="Same Seed", description="Make the very same picture")

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Fill the fields and generate."""
        noted = images.noted(bpy.data.images.get(self.image))
        if noted is None:
            self.report({"WARNING"}, "This image does not tell how it was made.")
            return {"CANCELLED"}
        if noted.recipe.get("task", tasks.TextToImage.kind) != tasks.TextToImage.kind:
            self.report({"WARNING"}, "It was made of another picture: recall its settings, then edit or project anew.")
            return {"CANCELLED"}
        recall(context.scene.latent_bridge, noted)
        context.scene.latent_bridge.fixed_seed = self.same_seed
        return bpy.ops.latent_bridge.texture()


def recall(settings: bpy.types.PropertyGroup, noted: images.Noted) -> None:
    """Fill the fields from a recipe; what it does not name stays."""
    recipe = noted.recipe.get("parameters")
    recipe = recipe if isinstance(recipe, dict) else {}
    settings.prompt = noted.prompt
    settings.fixed_seed = True
    settings.seed = min(noted.seed, MAX_SEED)
    for name in ("negative_prompt", "model", "seamless", "steps", "guidance_scale", "strength"):
        value = recipe.get(name)
        if isinstance(value, str | int | float):
            setattr(settings, name, value)
    width, height = recipe.get("width"), recipe.get("height")
    if isinstance(width, int) and isinstance(height, int):
        settings.size, settings.width, settings.height = "custom", width, height


CLASSES = (LATENTBRIDGE_OT_texture, LATENTBRIDGE_OT_recall, LATENTBRIDGE_OT_again)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
