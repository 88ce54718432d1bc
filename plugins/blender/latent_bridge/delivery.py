# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting a result where it belongs, as one undo step. If that place is gone, it becomes a plain image."""

from __future__ import annotations

import contextlib

import bpy

from . import images, materials, open_file
from .jobs import Goal, JobView, Target, Variant
from .maps import arriving, wiring

NAME_LENGTH = 48


def here(
    goal: Goal,
    *,
    image: str = "",
    target: bpy.types.Object | None = None,
    frame: int = 0,
    with_maps: bool = False,
) -> Target:
    """A target in the file that is open."""
    return Target(
        goal,
        file=open_file.identity(),
        blend=bpy.data.filepath,
        image=image,
        object=target.name if target is not None else "",
        slot=target.active_material_index if target is not None else 0,
        frame=frame,
        with_maps=with_maps,
    )


def is_here(target: Target) -> bool:
    """Whether the file that a target belongs to is the one that is open."""
    return open_file.is_open(target.file, target.blend)


def image_of(target: Target) -> bpy.types.Image | None:
    """The image that a target means; None when it is gone."""
    if target.goal not in (Goal.IMAGE, Goal.MAPS) or not open_file.is_open(target.file, target.blend):
        return None
    return bpy.data.images.get(target.image)


def object_of(target: Target) -> bpy.types.Object | None:
    """The object whose material is meant; None when it is gone, or none was."""
    if target.goal not in (Goal.TEXTURE, Goal.MAPS) or not open_file.is_open(target.file, target.blend):
        return None
    return bpy.data.objects.get(target.object)


def is_gone(target: Target) -> bool:
    """Whether a result has nowhere to go but into an image of its own."""
    if target.goal in (Goal.IMAGE, Goal.MAPS):
        return image_of(target) is None
    return not is_here(target) or (bool(target.object) and object_of(target) is None)


def new_image(job: JobView, variant: Variant) -> bpy.types.Image:
    """A result as an image data-block of its own, or in the one that the job has made already."""
    image = bpy.data.images.get(job.applied) if job.applied else None
    if image is None:
        image = images.new(_name(job), variant)
    else:
        images.show(image, variant)
    images.note(image, job.title, variant)
    return image


def texture(job: JobView, variant: Variant) -> bpy.types.Image:
    """A result as a new image, wired into the material of its object."""
    image = new_image(job, variant)
    target = object_of(job.target)
    if target is not None and hasattr(target.data, "materials"):
        materials.wire_base_colour(materials.slot_material(target, job.target.slot), image)
    else:
        image.use_fake_user = True  # otherwise it would not be saved
    return image


def maps(job: JobView, base: bpy.types.Image) -> str:
    """All maps of a base colour, as images and in the material that wears it; returns what became of them."""
    images_of = arriving.show(base, job.variants)
    target = object_of(job.target)
    material = target.material_slots[job.target.slot].material if _has_slot(target, job.target.slot) else None
    node = wiring.texture_node(material, base)
    if material is None or node is None:
        for image in images_of.values():
            image.use_fake_user = True  # otherwise they would not be saved
        return f"{len(images_of)} images, “{base.name} …”"
    fields = bpy.context.scene.latent_bridge_maps
    wishes = wiring.Wishes(fields.displace, fields.darken, fields.relief / 100)
    taken = wiring.wire(material, node, images_of, wishes)
    kept = f"; wired by hand and left so: {', '.join(taken)}" if taken else ""
    return f"{len(images_of)} maps in “{material.name}”{kept}"


def _has_slot(target: bpy.types.Object | None, slot: int) -> bool:
    return target is not None and slot < len(target.material_slots)


def replacement(image: bpy.types.Image, job: JobView, variant: Variant, previous: bytes | None) -> bpy.types.Image:
    """A result in an image that exists; what it was is kept beside it."""
    if previous is not None:
        images.keep_previous(image, previous)
    images.show(image, variant)
    images.note(image, job.title, variant)
    return image


def push_undo(message: str) -> None:
    """One step for Ctrl-Z."""
    with contextlib.suppress(RuntimeError):  # no undo in this mode, or undo is switched off
        bpy.ops.ed.undo_push(message=message)


def redraw() -> None:
    """Let everything that shows our state be drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "NODE_EDITOR", "IMAGE_EDITOR", "PREFERENCES"}:
                area.tag_redraw()


def _name(job: JobView) -> str:
    words = " ".join(job.title.split()) or "Texture"
    return words if len(words) <= NAME_LENGTH else words[: NAME_LENGTH - 1].rstrip() + "…"
