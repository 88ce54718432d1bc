# SPDX-License-Identifier: GPL-3.0-or-later
"""Dragging a box in the Image Editor: the part to inpaint, or how far to extend the image."""

from __future__ import annotations

import bpy

from ..boxes import Box, grown_sides, pixel_box


class LATENTBRIDGE_OT_select_box(bpy.types.Operator):
    """Drag a box over the image. Esc leaves everything as it was"""

    bl_idname = "latent_bridge.select_box"
    bl_label = "Drag Box"
    bl_options = {"REGISTER", "UNDO"}

    purpose: bpy.props.EnumProperty(
        name="Purpose",
        items=[
            ("MASK", "Mask", "The part that is repainted"),
            ("GROW", "Grow", "What the box covers beyond the image is added to it"),
        ],
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Needs an image to drag over."""
        space = context.space_data
        return space is not None and space.type == "IMAGE_EDITOR" and space.image is not None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Wait for the mouse."""
        settings = context.scene.latent_bridge
        self._before = (tuple(settings.box), tuple(settings.grow))
        self._area, self._start = context.area, None
        self._region = next(region for region in context.area.regions if region.type == "WINDOW")
        context.window.cursor_modal_set("CROSSHAIR")
        context.area.header_text_set("Drag a box; Esc cancels")
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Follow the mouse."""
        if event.type in {"ESC", "RIGHTMOUSE"}:
            settings = context.scene.latent_bridge
            settings.box, settings.grow = self._before
            return self._end(context, {"CANCELLED"})
        place = self._place(event)
        if event.type == "LEFTMOUSE" and event.value == "PRESS":
            self._start = place
        elif event.type == "MOUSEMOVE" and self._start is not None:
            self._apply(context, place)
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE" and self._start is not None:
            self._apply(context, place)
            return self._end(context, {"FINISHED"})
        return {"RUNNING_MODAL"}

    def _place(self, event: bpy.types.Event) -> tuple[float, float]:
        """The mouse in the image: 0 to 1 from the lower left."""
        x, y = event.mouse_x - self._region.x, event.mouse_y - self._region.y
        return self._region.view2d.region_to_view(x, y)

    def _apply(self, context: bpy.types.Context, place: tuple[float, float]) -> None:
        settings, size = context.scene.latent_bridge, tuple(self._area.spaces.active.image.size)
        box: Box = pixel_box(self._start, place, size)
        if self.purpose == "MASK":
            settings.mask_from, settings.box = "box", [max(0, value) for value in box]
        else:
            settings.grow = grown_sides(box, size)
        self._area.tag_redraw()

    def _end(self, context: bpy.types.Context, result: set[str]) -> set[str]:
        context.window.cursor_modal_restore()
        self._area.header_text_set(None)
        self._area.tag_redraw()
        return result


CLASSES = (LATENTBRIDGE_OT_select_box,)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
