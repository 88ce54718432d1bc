# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel of shared images, beside the image and beside what wears it."""

from __future__ import annotations

import bpy

from .. import session
from ..operators.image import active_image
from ..panels.places import in_editors, is_shader_editor
from ..wrapped import draw_wrapped
from . import sharing
from .preview import source_of
from .share import CANVAS, Share

STATES = {
    "off": "Off",
    "loading": "The model is being loaded…",
    "running": "Live",
    "waiting": "Live: nothing has changed",
    "paused": "Paused",
}


class Canvas:
    """Sharing the image with other programs, and generating while it is painted."""

    bl_label = "Canvas"
    bl_order = 0  # below the prompt and above the tasks: it is looked at while painting

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Not beside geometry nodes or the compositor."""
        return is_shader_editor(context)

    def draw(self, context: bpy.types.Context) -> None:
        """Whether it is shared and with whom, then the buttons for live generation."""
        layout, image = self.layout, source_of(active_image(context))
        every = sharing.current()
        if image is None or CANVAS not in image:
            if image is not None:
                layout.operator("latent_bridge.share", icon="COMMUNITY").image = image.name
                layout.operator("latent_bridge.open_in_krita", icon="BRUSHES_ALL").image = image.name
            layout.operator("latent_bridge.open_canvas", icon="FILE_FOLDER")
            if every.message:
                draw_wrapped(layout, every.message)
            return
        share = every.of(image)
        self._draw_share(layout, image, share)
        if share is not None and share.canvas is not None and share.error is None:
            self._draw_live(layout.box(), context, image, share)

    def _draw_share(self, layout: bpy.types.UILayout, image: bpy.types.Image, share: Share | None) -> None:
        connected = session.current().state == "connected"
        layout.label(text=image[CANVAS], icon="LINKED" if connected else "UNLINKED")
        if share is not None and share.error is not None:
            draw_wrapped(layout, share.error.message, icon="ERROR")
            draw_wrapped(layout, share.error.hint)
        elif not connected:
            draw_wrapped(layout, "No connection: what is painted is sent later.")
        elif share is not None and share.canvas is not None:
            others = max(0, len(share.canvas.members) - 1)
            layout.label(text="Nobody else has it open" if not others else f"Open in {others} other program(s)")
        row = layout.row(align=True)
        row.operator("latent_bridge.open_in_krita", icon="BRUSHES_ALL").image = image.name
        row.operator("latent_bridge.unshare", text="", icon="X").image = image.name

    def _draw_live(
        self, box: bpy.types.UILayout, context: bpy.types.Context, image: bpy.types.Image, share: Share
    ) -> None:
        preview = share.preview
        elsewhere = not preview.on and preview.info.state != "off"
        text = "Stop Live" if preview.on else "Join Live" if elsewhere else "Start Live"
        icon = "PAUSE" if preview.on else "PLAY"
        box.operator("latent_bridge.live", text=text, icon=icon, depress=preview.on).image = image.name
        if preview.on or elsewhere:
            box.label(text=STATES[preview.info.state])
            box.prop(context.scene.latent_bridge, "strength", slider=True)
        if preview.problem:
            draw_wrapped(box, preview.problem, icon="ERROR")
        if preview.area is not None:
            row = box.row(align=True)
            row.operator("latent_bridge.show_live", text="Show", icon="HIDE_OFF").image = image.name
            row.operator("latent_bridge.apply_live", icon="CHECKMARK").image = image.name


register, unregister = bpy.utils.register_classes_factory(in_editors(Canvas, "image", "view", "node"))
