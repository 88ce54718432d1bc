# SPDX-License-Identifier: GPL-3.0-or-later
"""The Image Editor's own panel."""

from __future__ import annotations

import bpy

from .. import images
from .generate import draw_made_of
from .places import in_editors


class Image:
    """Edit, inpaint, outpaint and upscale the image that is shown."""

    bl_label = "Image"
    bl_order = 1

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only with an image."""
        return context.space_data.image is not None

    def draw(self, context: bpy.types.Context) -> None:
        """One box for each task."""
        layout, settings, image = self.layout, context.scene.latent_bridge, context.space_data.image
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "strength", slider=True)
        layout.operator("latent_bridge.edit", icon="IMAGE_DATA")
        self._inpaint(layout.box(), settings)
        self._outpaint(layout.box(), settings)
        box = layout.box()
        box.prop(settings, "scale")
        box.prop(settings, "detail", slider=True)
        box.operator("latent_bridge.upscale", icon="FULLSCREEN_ENTER")
        row = layout.row()
        row.enabled = images.PREVIOUS in image
        row.operator("latent_bridge.restore", icon="LOOP_BACK")
        draw_made_of(layout, image)

    def _inpaint(self, box: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
        row = box.row()
        row.use_property_split = False
        row.prop(settings, "mask_from", expand=True)
        if settings.mask_from == "box":
            left, bottom, right, top = settings.box
            box.operator("latent_bridge.select_box", icon="SELECT_SET").purpose = "MASK"
            if right > left:
                box.label(text=f"{right - left} × {top - bottom} px at {left}, {bottom}")
        else:
            box.template_ID(settings, "mask_image", new="latent_bridge.new_mask", open="image.open")
        box.operator("latent_bridge.inpaint", icon="BRUSH_DATA")

    def _outpaint(self, box: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
        column = box.column(align=True)
        for index, name in enumerate(("Left", "Top", "Right", "Bottom")):
            column.prop(settings, "grow", index=index, text=name)
        box.operator("latent_bridge.select_box", text="Drag Sides", icon="SELECT_SET").purpose = "GROW"
        box.operator("latent_bridge.outpaint", icon="FULLSCREEN_EXIT")


register, unregister = bpy.utils.register_classes_factory(in_editors(Image, "image"))
