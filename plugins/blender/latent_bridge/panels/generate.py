# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompt and texture."""

from __future__ import annotations

import bpy

from .. import images, session
from ..operators.image import active_image
from ..preferences import connection_text
from ..wrapped import draw_wrapped
from .places import in_editors, is_shader_editor
from .presets import LATENTBRIDGE_PT_presets


class Prompt:
    """What every task needs: words, model, seed."""

    bl_label = "Prompt"
    bl_order = 0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not beside geometry nodes or the compositor."""
        return is_shader_editor(context)

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """Presets as everywhere in Blender."""
        LATENTBRIDGE_PT_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        """The connection when there is none, then the fields."""
        layout, settings = self.layout, context.scene.latent_bridge
        present = session.current()
        if present.state != "connected":
            draw_connection(layout, present)
        layout.prop(settings, "prompt", text="", icon="OUTLINER_OB_FONT")
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "negative_prompt")
        layout.prop(settings, "model")
        column = layout.column(align=True)
        row = column.row(heading="Fixed Seed", align=True)
        row.prop(settings, "fixed_seed", text="")
        sub = row.row(align=True)
        sub.active = settings.fixed_seed
        sub.prop(settings, "seed", text="")
        column.prop(settings, "steps")
        column.prop(settings, "guidance_scale")
        layout.prop(settings, "variants")
        layout.prop(settings, "seamless")


class Texture:
    """A texture for the active material."""

    bl_label = "Texture"
    bl_order = 1

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not beside geometry nodes or the compositor."""
        return is_shader_editor(context)

    def draw(self, context: bpy.types.Context) -> None:
        """Size, the button, and the image's own settings."""
        layout, settings = self.layout, context.scene.latent_bridge
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "size")
        if settings.size == "custom":
            column = layout.column(align=True)
            column.prop(settings, "width")
            column.prop(settings, "height")
        row = layout.row()
        row.scale_y = 1.4
        row.operator("latent_bridge.texture", icon="TEXTURE")
        if not settings.prompt.strip():
            layout.label(text="Write a prompt first", icon="INFO")
        elif context.object is None or not hasattr(context.object.data, "materials"):
            draw_wrapped(layout, "No object is active: the result will be a plain image", icon="INFO")
        draw_made_of(layout, active_image(context))


def draw_connection(layout: bpy.types.UILayout, present: session.Session) -> None:
    """Why nothing will happen, and what to do about it."""
    box = layout.box().column(align=True)
    draw_wrapped(box, connection_text(present), icon="UNLINKED")
    if present.error is not None:
        draw_wrapped(box, session.chosen().in_our_words(present.error))
    box.operator("latent_bridge.connect", icon="FILE_REFRESH")
    box.operator("latent_bridge.start_daemon", icon="PLAY")
    shown = box.operator("preferences.addon_show", text="Preferences…", icon="PREFERENCES")
    shown.module = session.preferences().bl_idname


def draw_made_of(layout: bpy.types.UILayout, image: bpy.types.Image | None) -> None:
    """How an image was made, and doing so again."""
    noted = images.noted(image)
    if noted is None:
        return
    box = layout.box().column(align=True)
    box.label(text=image.name, icon="IMAGE_DATA")
    draw_wrapped(box, f"“{noted.prompt}”, seed {noted.seed}")
    box.operator("latent_bridge.again", icon="FILE_REFRESH").image = image.name
    box.operator("latent_bridge.recall", icon="EYEDROPPER").image = image.name


CLASSES = (*in_editors(Prompt, "view", "node", "image"), *in_editors(Texture, "view", "node"))
_register, _unregister = bpy.utils.register_classes_factory((LATENTBRIDGE_PT_presets, *CLASSES))


def register() -> None:
    """Presets have an operator of their own."""
    from . import presets

    presets.register()
    _register()


def unregister() -> None:
    """Take everything away."""
    from . import presets

    _unregister()
    presets.unregister()
