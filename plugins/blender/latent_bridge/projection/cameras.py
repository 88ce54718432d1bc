# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras around the objects, which the user may move, add to and take away before they are used."""

from __future__ import annotations

import math

import bpy
from mathutils import Vector

COLLECTION = "Bridge Cameras"
ROOM = 1.15
"""The objects' sphere gets this much of the frame's half to spare."""


def directions(arrangement: str, count: int, elevation: float) -> list[tuple[float, float, float]]:
    """Unit vectors from the objects to their cameras.

    Args:
        arrangement: `ring`, all at one elevation, the first at the front (-y); `sphere`, evenly all around.
        count: how many.
        elevation: of a ring, radians.
    """
    if arrangement == "ring":
        angles = [2 * math.pi * index / count - math.pi / 2 for index in range(count)]
        level = math.cos(elevation)
        return [(math.cos(angle) * level, math.sin(angle) * level, math.sin(elevation)) for angle in angles]
    turn = math.pi * (3 - math.sqrt(5))  # the golden angle: no two are near each other
    heights = [1 - 2 * (index + 0.5) / count for index in range(count)]
    return [
        (math.cos(turn * index) * math.sqrt(1 - z * z), math.sin(turn * index) * math.sqrt(1 - z * z), z)
        for index, z in enumerate(heights)
    ]


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
