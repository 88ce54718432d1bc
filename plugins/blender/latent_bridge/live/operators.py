# SPDX-License-Identifier: GPL-3.0-or-later
"""Sharing an image and generating live."""

from __future__ import annotations

import os
import shutil
import subprocess

import bpy

from ..operators.image import ImageOperator
from ..operators.reporting import reported
from ..vendored import errors
from . import sharing
from .applying import apply_frame
from .opening import Place, open_canvas
from .preview import source_of
from .share import CANVAS, Share


class SharedImageOperator(ImageOperator):
    """What the operators on a shared image share."""

    def chosen(self, context: bpy.types.Context) -> bpy.types.Image:
        """The image; the one that is painted on where its frames are shown."""
        return source_of(super().chosen(context))

    def share_of(self, image: bpy.types.Image) -> Share:
        """How it is shared. Raises `BridgeError` when the daemon has not opened its canvas."""
        share = sharing.current().of(image)
        if share is not None and share.error is not None:
            raise share.error
        if share is None or share.preview is None:
            problem = f"“{image.name}” is not shared."
            raise errors.BridgeError(errors.ErrorCode.INVALID_FIELD, problem, hint="Press Share as Canvas.")
        return share


class LATENTBRIDGE_OT_share(SharedImageOperator, bpy.types.Operator):
    """Make the image a canvas of the daemon: other programs that open it see every stroke, and paint on it too"""

    bl_idname = "latent_bridge.share"
    bl_label = "Share as Canvas"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the daemon for a canvas."""
        sharing.current().share(self.chosen(context))
        return {"FINISHED"}


def _canvas_names(_: object, context: bpy.types.Context, typed: str) -> list[str]:
    names = sharing.current().names
    names.refresh()
    return [name for name in names.names if typed.lower() in name.lower()]


class LATENTBRIDGE_OT_open_canvas(bpy.types.Operator):
    """Open a canvas that another program shares as an image; in the 3D View the active object wears it"""

    bl_idname = "latent_bridge.open_canvas"
    bl_label = "Open Canvas"

    canvas: bpy.props.StringProperty(name="Canvas", description="One of the daemon's", search=_canvas_names)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask which."""
        sharing.current().names.refresh()
        return context.window_manager.invoke_props_dialog(self)

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the daemon for it."""
        area = context.area
        if area is not None and area.type == "IMAGE_EDITOR":
            place = Place(editor=area.as_pointer())
        else:
            place = Place(object=context.object.name if context.object is not None else "")
        open_canvas(self.canvas, place)
        return {"FINISHED"}


class LATENTBRIDGE_OT_unshare(SharedImageOperator, bpy.types.Operator):
    """Stop sharing. The image stays as it is, and so does the canvas for others"""

    bl_idname = "latent_bridge.unshare"
    bl_label = "Stop Sharing"
    bl_options = {"REGISTER", "UNDO"}

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Let go of the canvas."""
        image = self.chosen(context)
        if CANVAS not in image:
            self.report({"WARNING"}, f"“{image.name}” is not shared.")
            return {"CANCELLED"}
        sharing.current().unshare(image)
        return {"FINISHED"}


class LATENTBRIDGE_OT_live(SharedImageOperator, bpy.types.Operator):
    """Let the model follow what is painted, with the prompt above; press again to end it"""

    bl_idname = "latent_bridge.live"
    bl_label = "Live"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin or end it."""
        image = self.chosen(context)
        preview = self.share_of(image).preview
        if preview.on:
            preview.stop()
            return {"FINISHED"}
        preview.start(context.scene.latent_bridge)
        preview.image_of(image)
        return {"FINISHED"}


class LATENTBRIDGE_OT_show_live(SharedImageOperator, bpy.types.Operator):
    """Show the frames here, or the image that is painted on"""

    bl_idname = "latent_bridge.show_live"
    bl_label = "Show Frames"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only where images are shown."""
        return context.space_data is not None and context.space_data.type == "IMAGE_EDITOR"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Exchange what the editor shows."""
        image = self.chosen(context)
        frames = self.share_of(image).preview.image_of(image)
        context.space_data.image = image if context.space_data.image == frames else frames
        return {"FINISHED"}


class LATENTBRIDGE_OT_apply_live(SharedImageOperator, bpy.types.Operator):
    """Put the frame into the image; what it was is kept"""

    bl_idname = "latent_bridge.apply_live"
    bl_label = "Apply"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make files of both in the background, and exchange them then."""
        image = self.chosen(context)
        apply_frame(image, self.share_of(image))
        return {"FINISHED"}


class LATENTBRIDGE_OT_open_in_krita(SharedImageOperator, bpy.types.Operator):
    """Share the image and start Krita, where the Latent Bridge Live docker opens it"""

    bl_idname = "latent_bridge.open_in_krita"
    bl_label = "Open in Krita"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start it and wait for nothing."""
        image = self.chosen(context)
        krita = shutil.which("krita")
        if krita is None:
            raise errors.BridgeError(
                errors.ErrorCode.INVALID_FIELD,
                "Krita was not found on this machine.",
                hint="Share the image, start Krita yourself and open the canvas in its Latent Bridge Live docker.",
            )
        if CANVAS not in image:
            sharing.current().share(image)
        name = image.get(CANVAS, f"blender: {image.name}")
        # Detached: it lives on when Blender quits, and prints nothing into Blender's terminal.
        subprocess.Popen(
            [krita],
            env={**os.environ, "LATENT_BRIDGE_CANVAS": name},  # its plugin opens that when it starts
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.report(
            {"INFO"}, f"Krita is starting with “{name}”. If it runs already: Open in its Latent Bridge Live docker."
        )
        return {"FINISHED"}


CLASSES = (
    LATENTBRIDGE_OT_share,
    LATENTBRIDGE_OT_open_canvas,
    LATENTBRIDGE_OT_unshare,
    LATENTBRIDGE_OT_live,
    LATENTBRIDGE_OT_show_live,
    LATENTBRIDGE_OT_apply_live,
    LATENTBRIDGE_OT_open_in_krita,
)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
