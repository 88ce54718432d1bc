# SPDX-License-Identifier: GPL-3.0-or-later
"""The Image Editor: edit, inpaint, outpaint, upscale, and the version before."""

from __future__ import annotations

import functools
from collections.abc import Callable

import bpy

from .. import delivery, images, requests, session
from ..jobs import Goal
from ..pictures import HostPixels, box_mask, mask_of, picture_of
from ..vendored import errors, pixels, tasks
from .reporting import reported

Build = Callable[[pixels.Picture], tasks.Generation]


def active_image(context: bpy.types.Context) -> bpy.types.Image | None:
    """The image of the editor; elsewhere the one that is painted on, or the active texture node's."""
    if context.space_data is not None and context.space_data.type == "IMAGE_EDITOR":
        return context.space_data.image
    target, painting = context.object, context.tool_settings.image_paint
    if context.mode == "PAINT_TEXTURE" and painting.mode == "IMAGE":
        return painting.canvas
    material = target.active_material if target is not None else None
    if material is None or material.node_tree is None:
        return None
    if context.mode == "PAINT_TEXTURE" and material.paint_active_slot < len(material.texture_paint_images):
        return material.texture_paint_images[material.paint_active_slot]
    node = material.node_tree.nodes.active
    return node.image if node is not None and node.type == "TEX_IMAGE" else None


class ImageOperator:
    """What the operators on an image share: which image, and what becomes of the result."""

    image: bpy.props.StringProperty(
        name="Image", description="Name of the image; empty for the one that is shown", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Scripts name an image and need no editor."""
        return context.scene is not None

    def chosen(self, context: bpy.types.Context) -> bpy.types.Image:
        """The image; of a mask that is shown, what it is for. Raises `BridgeError` when there is none."""
        found = bpy.data.images.get(self.image) if self.image else active_image(context)
        if found is not None and not self.image:
            found = bpy.data.images.get(found.get(images.MASK_OF, ""), found)
        if found is None:
            raise errors.BridgeError(
                errors.ErrorCode.INVALID_FIELD, "There is no image to work on.", hint="Open one in the Image Editor."
            )
        return found

    def submit(self, image: bpy.types.Image, build: Build, title: str, count: int) -> set[str]:
        """Read the image, and queue the task that is built of it on the worker thread."""
        held = images.read(image)
        session.current().submit(
            lambda: build(picture_of(held)), title, delivery.here(Goal.IMAGE, image=image.name), count
        )
        return {"FINISHED"}


class LATENTBRIDGE_OT_edit(ImageOperator, bpy.types.Operator):
    """Change the whole image towards the prompt; what it was is kept"""

    bl_idname = "latent_bridge.edit"
    bl_label = "Edit Image"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue the job."""
        wishes = context.scene.latent_bridge.wishes()
        build = functools.partial(requests.edit, wishes)
        return self.submit(self.chosen(context), build, wishes.prompt or "Edit", wishes.images)


class LATENTBRIDGE_OT_inpaint(ImageOperator, bpy.types.Operator):
    """Repaint what the mask covers; outside it no bit changes"""

    bl_idname = "latent_bridge.inpaint"
    bl_label = "Inpaint"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue the job."""
        settings = context.scene.latent_bridge
        image, wishes = self.chosen(context), settings.wishes()
        make_mask = self._mask(image, settings)
        if context.space_data is not None and context.space_data.type == "IMAGE_EDITOR" and not self.image:
            context.space_data.image = image  # where the mask was painted, the picture is awaited now
        return self.submit(
            image,
            lambda picture: requests.inpaint(wishes, picture, make_mask()),
            wishes.prompt or "Inpaint",
            wishes.images,
        )

    def _mask(self, image: bpy.types.Image, settings: bpy.types.PropertyGroup) -> Callable[[], pixels.Picture]:
        if settings.mask_from == "box":
            (width, height), box = image.size, tuple(settings.box)
            return functools.partial(box_mask, width, height, box)
        if settings.mask_image is None:
            raise errors.BridgeError(
                errors.ErrorCode.INVALID_FIELD, "There is no mask.", hint="Press New Mask, and paint it white."
            )
        held: HostPixels = images.read(settings.mask_image)
        return functools.partial(mask_of, held)


class LATENTBRIDGE_OT_outpaint(ImageOperator, bpy.types.Operator):
    """Extend the image beyond its sides"""

    bl_idname = "latent_bridge.outpaint"
    bl_label = "Outpaint"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue the job."""
        settings = context.scene.latent_bridge
        wishes, sides = settings.wishes(), tuple(settings.grow)
        return self.submit(
            self.chosen(context),
            lambda picture: requests.outpaint(wishes, picture, sides),
            wishes.prompt or "Outpaint",
            wishes.images,
        )


class LATENTBRIDGE_OT_upscale(ImageOperator, bpy.types.Operator):
    """Enlarge the image, and paint the detail that it lacks"""

    bl_idname = "latent_bridge.upscale"
    bl_label = "Upscale"

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue the job."""
        settings = context.scene.latent_bridge
        wishes, scale = settings.wishes(settings.detail, images=1), settings.scale
        build = lambda picture: requests.upscale(wishes, picture, scale)  # noqa: E731 - as short as its siblings
        return self.submit(self.chosen(context), build, wishes.prompt or "Upscale", 1)


class LATENTBRIDGE_OT_restore(ImageOperator, bpy.types.Operator):
    """Exchange the image with its previous version; pressing again brings the newer one back"""

    bl_idname = "latent_bridge.restore"
    bl_label = "Previous Version"
    bl_options = {"REGISTER", "UNDO"}

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Exchange the two."""
        if session.current().restore(self.chosen(context)):
            return {"FINISHED"}
        self.report({"WARNING"}, "There is no previous version of this image.")
        return {"CANCELLED"}


class LATENTBRIDGE_OT_new_mask(ImageOperator, bpy.types.Operator):
    """A black image of the same size to paint a mask on: white is repainted"""

    bl_idname = "latent_bridge.new_mask"
    bl_label = "New Mask"
    bl_options = {"REGISTER", "UNDO"}

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make it, and show it where it can be painted."""
        image = self.chosen(context)
        width, height = image.size
        mask = bpy.data.images.new(f"{image.name[:50]} mask", width, height, alpha=False)
        mask.colorspace_settings.name = "Non-Color"
        mask[images.MASK_OF] = image.name
        settings = context.scene.latent_bridge
        settings.mask_from, settings.mask_image = "image", mask
        if context.space_data is not None and context.space_data.type == "IMAGE_EDITOR":
            context.space_data.image = mask
            context.space_data.ui_mode = "PAINT"
        return {"FINISHED"}


CLASSES = (
    LATENTBRIDGE_OT_edit,
    LATENTBRIDGE_OT_inpaint,
    LATENTBRIDGE_OT_outpaint,
    LATENTBRIDGE_OT_upscale,
    LATENTBRIDGE_OT_restore,
    LATENTBRIDGE_OT_new_mask,
)
register, unregister = bpy.utils.register_classes_factory(CLASSES)
