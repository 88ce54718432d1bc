# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel of the maps, in 3D View, Shader Editor and Image Editor."""

from __future__ import annotations

import bpy

from ..panels.places import in_editors, is_shader_editor
from ..wrapped import draw_wrapped
from .operators import base_colour
from .properties import KINDS


class Maps:
    """Which maps, how deep, and what becomes of them."""

    bl_label = "Surface Maps"
    bl_order = 3
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not beside geometry nodes or the compositor."""
        return is_shader_editor(context)

    def draw(self, context: bpy.types.Context) -> None:
        """The fields and the button."""
        layout, fields = self.layout, context.scene.latent_bridge_maps
        kinds = layout.column(align=True)
        for kind in KINDS:
            kinds.prop(fields, kind)
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(fields, "relief", slider=True)
        layout.prop(fields, "detail", slider=True)
        if fields.roughness:
            layout.prop(fields, "mean_roughness", text="Roughness", slider=True)
        whole = layout.column()
        whole.use_property_split = False  # these names fit beside their boxes only
        whole.prop(fields, "light_is_deep")
        if fields.height:
            whole.prop(fields, "displace")
        if fields.occlusion:
            whole.prop(fields, "darken")
        whole.prop(fields, "with_textures")
        row = layout.row()
        row.scale_y = 1.4
        row.operator("latent_bridge.surface_maps", icon="NODE_TEXTURE")
        image = base_colour(context)
        text = f"Of “{image.name}”" if image is not None else "The active material has no image as base colour"
        draw_wrapped(layout, text, icon="INFO")


register, unregister = bpy.utils.register_classes_factory(in_editors(Maps, "view", "node", "image"))
