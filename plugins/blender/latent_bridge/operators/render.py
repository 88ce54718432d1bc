# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending renders through the model."""

from __future__ import annotations

import bpy

from .. import animation, render_pass
from .reporting import reported


class LATENTBRIDGE_OT_restyle_render(bpy.types.Operator):
    """Send the last render through the model; the result is an image of its own"""

    bl_idname = "latent_bridge.restyle_render"
    bl_label = "Restyle Render"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue it."""
        render_pass.restyle_still(context.scene)
        return {"FINISHED"}


class LATENTBRIDGE_OT_restyle_animation(bpy.types.Operator):
    """Send the rendered frames through the model, all with one seed; results, named NAME_bridge, lie beside them"""

    bl_idname = "latent_bridge.restyle_animation"
    bl_label = "Restyle Animation"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue what is there."""
        frames = animation.rendered_frames(context.scene)
        if not frames:
            self.report({"WARNING"}, "No frame of this animation has been rendered to a picture file yet.")
            return {"CANCELLED"}
        animation.restyle(context.scene, frames)
        return {"FINISHED"}


CLASSES = (LATENTBRIDGE_OT_restyle_render, LATENTBRIDGE_OT_restyle_animation)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
