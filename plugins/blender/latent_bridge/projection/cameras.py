# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras around the objects, which the user may move, add to and take away before they are used."""

from __future__ import annotations

import math

import bpy
from mathutils import Vector

COLLECTION = "Bridge Cameras"
ROOM = 1.15
"""The objects' sphere gets this much of the frame's half to spare."""


def add_cameras(context: bpy.types.Context, targets: list[bpy.types.Object], ways: list[tuple]) -> list:
    """Cameras in these directions that show all of the targets; those of an earlier call go."""
    corners = [each.matrix_world @ Vector(corner) for each in targets for corner in each.bound_box]
    low, high = (Vector(map(kind, zip(*corners, strict=True))) for kind in (min, max))
    centre, radius = (low + high) / 2, max((high - low).length / 2, 1e-3)
    for old in bridge_cameras():
        bpy.data.objects.remove(old)
    collection = bpy.data.collections.get(COLLECTION) or bpy.data.collections.new(COLLECTION)
    if collection.name not in context.scene.collection.children:
        context.scene.collection.children.link(collection)
    made = []
    for number, way in enumerate(ways, 1):
        data = bpy.data.cameras.new(f"Bridge {number:02}")
        camera = bpy.data.objects.new(data.name, data)
        render = context.scene.render
        narrow = min(render.resolution_x, render.resolution_y) / max(render.resolution_x, render.resolution_y)
        half = math.atan(math.tan(data.angle / 2) * narrow)
        distance = radius * ROOM / math.sin(half)
        camera.location = centre + Vector(way) * distance
        camera.rotation_euler = (-Vector(way)).to_track_quat("-Z", "Y").to_euler()
        data.clip_end = max(data.clip_end, distance * 4)
        collection.objects.link(camera)
        made.append(camera)
    context.view_layer.update()
    return made


def bridge_cameras() -> list[bpy.types.Object]:
    """The cameras that were added, in the order of their names, which is that of painting."""
    collection = bpy.data.collections.get(COLLECTION)
    found = [each for each in collection.objects if each.type == "CAMERA"] if collection is not None else []
    return sorted(found, key=lambda each: each.name)
