# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders through the model."""

from __future__ import annotations

import bpy

from .. import session
from .places import in_editors


class Render:
    """The last render, the frames of an animation, and the GPU that both share."""

    bl_label = "Render"
    bl_order = 5
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """How much may change, and two buttons."""
        layout, settings = self.layout, context.scene.latent_bridge
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "render_strength", slider=True)
        layout.operator("latent_bridge.restyle_render", icon="RENDER_STILL")
        layout.operator("latent_bridge.restyle_animation", icon="RENDER_ANIMATION")
        whole = layout.column()
        whole.use_property_split = False  # these names fit beside their boxes only
        whole.prop(settings, "render_after")
        whole.prop(session.preferences(), "lend_for_render")


register, unregister = bpy.utils.register_classes_factory(in_editors(Render, "view", "image"))
