# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs: progress, previews, variants to choose from."""

from __future__ import annotations

import bpy

from .. import session
from ..jobs import JobView, Phase
from ..wrapped import draw_wrapped
from .places import in_editors, is_shader_editor
from .thumbnails import icon

ICONS = {
    Phase.WAITING: "TIME",
    Phase.RUNNING: "RENDER_ANIMATION",
    Phase.PLACING: "MOD_UVPROJECT",
    Phase.CANCELLING: "CANCEL",
    Phase.CHOOSING: "IMGDISPLAY",
    Phase.FINISHED: "CHECKMARK",
    Phase.FAILED: "ERROR",
    Phase.CANCELLED: "X",
}
BAR = 12
"""Characters of the bar where Blender has none of its own, before 4.0."""


class Jobs:
    """Jobs of this Blender, newest first."""

    bl_label = "Jobs"
    bl_order = 0  # right below the prompt, which is registered first

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only when there is something to tell."""
        present = session.current()
        return is_shader_editor(context) and bool(present.jobs or present.message)

    def draw(self, context: bpy.types.Context) -> None:
        """What belongs to no job, then one box for each."""
        message = session.current().message
        if message:
            row = self.layout.box().row()
            draw_wrapped(row.column(align=True), message, icon="ERROR")
            row.operator("latent_bridge.dismiss_message", text="", icon="X", emboss=False)
        for job in [job for job in reversed(session.current().jobs.values()) if not job.within]:
            _draw_job(self.layout.box().column(align=True), job)


def _draw_job(layout: bpy.types.UILayout, job: JobView) -> None:
    head = layout.row()
    head.label(text=job.title, icon=ICONS[job.phase])
    button = "latent_bridge.dismiss" if job.over else "latent_bridge.cancel"
    head.operator(button, text="", icon="X" if job.over else "CANCEL", emboss=False).job = job.id
    for text in filter(None, (job.part if not job.over else "", job.text)):
        draw_wrapped(layout, text)
    if job.phase is Phase.RUNNING:
        _draw_progress(layout, job.fraction)
    for text in filter(None, (job.error, job.hint)):
        draw_wrapped(layout, text)
    if job.preview is not None and not job.over:
        layout.template_icon(icon(job.id, "preview", job.preview), scale=6)
    for part in session.current().parts_of(job.id):
        _draw_part(layout, part)
    if job.phase is Phase.CHOOSING:
        _draw_variants(layout, job)
    if job.resumable:
        layout.operator("latent_bridge.project_on", icon="PLAY").job = job.id


def _draw_part(layout: bpy.types.UILayout, part: JobView) -> None:
    """A frame of an animation; it is cancelled with all of it."""
    if part.phase is Phase.RUNNING:
        draw_wrapped(layout, f"{part.title}: {part.text}")
    if part.preview is not None and not part.over:
        layout.template_icon(icon(part.id, "preview", part.preview), scale=6)


def _draw_progress(layout: bpy.types.UILayout, fraction: float) -> None:
    if bpy.app.version >= (4, 0, 0):
        layout.progress(factor=fraction, text=f"{fraction:.0%}")
    else:
        filled = round(fraction * BAR)
        layout.label(text=f"{'█' * filled}{'░' * (BAR - filled)} {fraction:.0%}")


def _draw_variants(layout: bpy.types.UILayout, job: JobView) -> None:
    grid = layout.grid_flow(row_major=True, columns=2, even_columns=True)
    for variant in job.variants:
        cell = grid.column(align=True)
        if variant.thumbnail is not None:
            cell.template_icon(icon(job.id, str(variant.index), variant.thumbnail), scale=6)
        use = cell.operator("latent_bridge.use", text=f"Seed {variant.seed}")
        use.job, use.index = job.id, variant.index


register, unregister = bpy.utils.register_classes_factory(in_editors(Jobs, "view", "node", "image"))
