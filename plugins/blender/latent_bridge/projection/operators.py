# SPDX-License-Identifier: GPL-3.0-or-later
"""Projecting, and adding cameras to project from."""

from __future__ import annotations

import bpy

from .. import session
from ..operators.reporting import reported
from ..pictures import find_numpy
from ..vendored import errors
from . import taking_up
from .cameras import add_cameras
from .placement import directions


class LATENTBRIDGE_OT_project(bpy.types.Operator):
    """Paint the selected meshes by the prompt, as they are seen from here; their textures and materials stay"""

    bl_idname = "latent_bridge.project"
    bl_label = "Project onto Meshes"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue the first view; the others follow by themselves."""
        if find_numpy() is None:
            raise errors.BridgeError(
                errors.ErrorCode.INVALID_FIELD,
                "This Blender came without numpy, which projection needs.",
                hint="Install it (Debian: python3-numpy), or use Blender from blender.org.",
            )
        from . import work  # needs numpy

        work.begin(context)
        return {"FINISHED"}


class LATENTBRIDGE_OT_project_on(bpy.types.Operator):
    """Go on with the views that are left of this projection"""

    bl_idname = "latent_bridge.project_on"
    bl_label = "Go On"

    job: bpy.props.StringProperty(name="Job", options={"HIDDEN", "SKIP_SAVE"})

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take it up where it stopped."""
        job = session.current().jobs.get(self.job)
        if job is None or not job.resumable:
            self.report({"WARNING"}, "This projection cannot go on.")
            return {"CANCELLED"}
        session.current().open()
        taking_up.go_on(job)
        return {"FINISHED"}


class LATENTBRIDGE_OT_add_cameras(bpy.types.Operator):
    """Set cameras around the selected objects, instead of those of the last time. Move them as you like"""

    bl_idname = "latent_bridge.add_cameras"
    bl_label = "Add Cameras"
    bl_options = {"REGISTER", "UNDO"}

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add them, and choose them."""
        targets = [each for each in context.view_layer.objects.selected if each.type == "MESH"]
        if not targets:
            self.report({"WARNING"}, "Select the meshes to look at.")
            return {"CANCELLED"}
        settings = context.scene.latent_bridge_projection
        ways = directions(settings.arrangement, settings.count, settings.elevation)
        add_cameras(context, targets, ways)
        settings.source = "cameras"
        return {"FINISHED"}


CLASSES = (LATENTBRIDGE_OT_project, LATENTBRIDGE_OT_project_on, LATENTBRIDGE_OT_add_cameras)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
