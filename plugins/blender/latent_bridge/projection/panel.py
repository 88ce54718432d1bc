# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel of the projection, in the 3D View."""

from __future__ import annotations

import bpy

from .. import session
from ..panels.places import in_editors
from .adapters import guide_adapters
from .cameras import bridge_cameras


class Project:
    """From where, how much, and onto which size of texture."""

    bl_label = "Project"
    bl_order = 2
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The fields and the button."""
        layout, settings = self.layout, context.scene.latent_bridge_projection
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "source")
        if settings.source == "cameras":
            box = layout.box().column(align=True)
            box.prop(settings, "arrangement")
            box.prop(settings, "count")
            if settings.arrangement == "ring":
                box.prop(settings, "elevation")
            box.operator("latent_bridge.add_cameras", icon="OUTLINER_OB_CAMERA")
            box.label(text=f"{len(bridge_cameras())} cameras")
        layout.prop(settings, "strength", slider=True)
        layout.prop(settings, "picture_side")
        layout.prop(settings, "texture_side")
        layout.prop(settings, "margin")
        layout.prop(settings, "fill")
        found = guide_adapters(session.current().welcome, context.scene.latent_bridge.model)
        if found:
            column = layout.column(heading="Follow")
            for guide in found:
                column.prop(settings, f"by_{guide}")
        row = layout.row()
        row.scale_y = 1.4
        row.operator("latent_bridge.project", icon="MOD_UVPROJECT")
        if not context.view_layer.objects.selected:
            layout.label(text="Select the meshes to paint", icon="INFO")


register, unregister = bpy.utils.register_classes_factory(in_editors(Project, "view"))
