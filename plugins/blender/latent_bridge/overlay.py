# SPDX-License-Identifier: GPL-3.0-or-later
"""What is drawn over the Image Editor: the box to inpaint, and how far the image will be extended."""

from __future__ import annotations

import bpy

ACCENT = (1.0, 0.72, 0.2, 0.95)


class _Handle:
    """What Blender gave for the drawing callback, to take it back."""

    value: object | None = None


def _draw() -> None:
    context = bpy.context
    image = context.space_data.image
    if image is None or not image.size[0]:
        return
    settings, (width, height) = context.scene.latent_bridge, image.size
    left, bottom, right, top = settings.box
    if settings.mask_from == "box" and right > left and top > bottom:
        _outline(context, left / width, bottom / height, right / width, top / height)
    if any(settings.grow):
        left, top, right, bottom = settings.grow
        _outline(context, -left / width, -bottom / height, 1 + right / width, 1 + top / height)


def _outline(context: bpy.types.Context, left: float, bottom: float, right: float, top: float) -> None:
    """A frame between two corners in the image's own measure, 0 to 1."""
    import gpu
    from gpu_extras.batch import batch_for_shader

    corners = ((left, bottom), (right, bottom), (right, top), (left, top), (left, bottom))
    points = [context.region.view2d.view_to_region(x, y, clip=False) for x, y in corners]
    shader = gpu.shader.from_builtin("UNIFORM_COLOR" if bpy.app.version >= (4, 0, 0) else "2D_UNIFORM_COLOR")
    batch = batch_for_shader(
        shader, "LINE_STRIP", {"pos": [(*point, 0) for point in points] if bpy.app.version >= (4, 0, 0) else points}
    )
    gpu.state.line_width_set(2)
    shader.bind()
    shader.uniform_float("color", ACCENT)
    batch.draw(shader)
    gpu.state.line_width_set(1)


def register() -> None:
    """Draw over every Image Editor; there is none in background mode."""
    if not bpy.app.background:
        _Handle.value = bpy.types.SpaceImageEditor.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")


def unregister() -> None:
    """Stop drawing."""
    if _Handle.value is not None:
        bpy.types.SpaceImageEditor.draw_handler_remove(_Handle.value, "WINDOW")
        _Handle.value = None
