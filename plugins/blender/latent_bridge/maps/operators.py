# SPDX-License-Identifier: GPL-3.0-or-later
"""The button that makes the maps of a material or an image."""

from __future__ import annotations

import bpy

from .. import materials, session
from ..operators.image import active_image
from ..operators.reporting import reported
from ..vendored import errors
from .asking import ask
from .wiring import texture_node


class LATENTBRIDGE_OT_surface_maps(bpy.types.Operator):
    """Make normal, roughness, height and more of the base colour, and wire them beside it"""

    bl_idname = "latent_bridge.surface_maps"
    bl_label = "Make Surface Maps"

    image: bpy.props.StringProperty(
        name="Image",
        description="Name of the base colour; empty for that of the active material",
        options={"SKIP_SAVE"},
    )

    @reported
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Queue the job; its results arrive by themselves."""
        image = bpy.data.images.get(self.image) if self.image else base_colour(context)
        if image is None:
            raise errors.BridgeError(
                errors.ErrorCode.INVALID_FIELD,
                "There is no base colour to make maps of.",
                hint="Choose an object whose base colour is an image, or open one in the Image Editor.",
            )
        target = context.object
        worn = target is not None and texture_node(target.active_material, image) is not None
        ask(session.current(), image, target if worn else None, context.scene)
        return {"FINISHED"}


def base_colour(context: bpy.types.Context) -> bpy.types.Image | None:
    """The image of the Image Editor, else the base colour of the active material."""
    if context.space_data is not None and context.space_data.type == "IMAGE_EDITOR":
        return context.space_data.image
    material = context.object.active_material if context.object is not None else None
    node = materials.base_colour_image(material) if material is not None else None
    return node.image if node is not None else active_image(context)


register, unregister = bpy.utils.register_classes_factory((LATENTBRIDGE_OT_surface_maps,))
