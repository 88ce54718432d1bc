# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs under way and results to choose from."""

from __future__ import annotations

import bpy

from .. import session, shortcuts
from ..progress import running
from .reporting import reported

JOB = {"name": "Job", "options": {"HIDDEN", "SKIP_SAVE"}}


class LATENTBRIDGE_OT_cancel(bpy.types.Operator):
    """Stop this job"""

    bl_idname = "latent_bridge.cancel"
    bl_label = "Cancel"

    job: bpy.props.StringProperty(**JOB)

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Stop one, or all when none is named."""
        present = session.current()
        for job in list(present.jobs.values()):
            if not job.over and (job.id == self.job if self.job else not job.within):
                present.cancel(job.id)
        return {"FINISHED"}


class LATENTBRIDGE_OT_cancel_running(bpy.types.Operator):
    """Stop the job that runs, or the next one that waits"""

    bl_idname = "latent_bridge.cancel_running"
    bl_label = "Cancel Running Job"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only then does its key, Esc, mean this."""
        return shortcuts.means_us(context) and running(session.current().jobs.values()) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Stop all that belongs to it, and say so: a key is soon pressed by mistake."""
        present = session.current()
        job = running(present.jobs.values())
        present.cancel(job.id)
        self.report({"INFO"}, f"Cancelled: {job.title}")
        return {"FINISHED"}


class LATENTBRIDGE_OT_dismiss(bpy.types.Operator):
    """Take this job off the list; what was made of it stays"""

    bl_idname = "latent_bridge.dismiss"
    bl_label = "Dismiss"

    job: bpy.props.StringProperty(**JOB)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Forget it."""
        session.current().dismiss(self.job)
        return {"FINISHED"}


class LATENTBRIDGE_OT_dismiss_message(bpy.types.Operator):
    """Take this message away"""

    bl_idname = "latent_bridge.dismiss_message"
    bl_label = "Dismiss"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """It has been read."""
        session.current().message = ""
        return {"FINISHED"}


class LATENTBRIDGE_OT_use(bpy.types.Operator):
    """Use this variant; another one can be chosen afterwards"""

    bl_idname = "latent_bridge.use"
    bl_label = "Use"

    job: bpy.props.StringProperty(**JOB)
    index: bpy.props.IntProperty(name="Variant", options={"HIDDEN", "SKIP_SAVE"})

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Deliver it; that is an undo step of its own."""
        present = session.current()
        job = present.jobs.get(self.job)
        if job is None or all(variant.index != self.index for variant in job.variants):
            self.report({"WARNING"}, "This result is no longer here.")
            return {"CANCELLED"}
        present.use(self.job, self.index)
        return {"FINISHED"}


class LATENTBRIDGE_OT_wait(bpy.types.Operator):
    """Wait until all jobs are over and delivered; for scripts and background mode"""

    bl_idname = "latent_bridge.wait"
    bl_label = "Wait for Jobs"

    timeout: bpy.props.FloatProperty(name="Timeout", description="Seconds", default=600, min=0)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Drain until it is so."""
        present = session.current()
        if not present.wait(lambda: not present.busy, self.timeout):
            self.report({"WARNING"}, "The jobs are not over yet.")
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (
    LATENTBRIDGE_OT_cancel,
    LATENTBRIDGE_OT_cancel_running,
    LATENTBRIDGE_OT_dismiss,
    LATENTBRIDGE_OT_dismiss_message,
    LATENTBRIDGE_OT_use,
    LATENTBRIDGE_OT_wait,
)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
