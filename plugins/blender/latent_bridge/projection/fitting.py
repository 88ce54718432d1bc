# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether meshes are still those that a projection began with: as many of everything, and the same UVs."""

from __future__ import annotations

import zlib

import bpy
import numpy as np

from .keeping import Wearer


def shape_of(target: bpy.types.Object) -> list[int]:
    """Numbers that differ once the topology or the UVs of a mesh do; not when it is moved, posed or sculpted."""
    mesh = target.data
    target.update_from_editmode()
    shape = [len(mesh.vertices), len(mesh.edges), len(mesh.polygons), len(mesh.loops)]
    layers = mesh.uv_layers
    layer = next((each for each in layers if each.active_render), layers[0] if len(layers) else None)
    if layer is None or len(layer.data) != len(mesh.loops):  # Blender has no UVs to read in edit mode
        return [*shape, 0]
    uvs = np.empty(len(mesh.loops) * 2, np.float32)
    layer.data.foreach_get("uv", uvs)
    return [*shape, zlib.crc32(uvs.tobytes())]


def shapes_of(targets: list[bpy.types.Object]) -> dict[str, list[int]]:
    """Those of all, by name."""
    return {each.name: shape_of(each) for each in targets}


def fit(wearers: list[Wearer], shapes: dict[str, list[int]]) -> bool:
    """Whether everything that wears one of the textures is here, and has the shape that it had."""
    for name in {name for wearer in wearers for name, _ in wearer.slots}:
        target = bpy.data.objects.get(name)
        if target is None or target.type != "MESH":
            return False
        now, then = shape_of(target), shapes.get(name, [])
        if now[:-1] != then[:-1] or (now[-1] != then[-1] and target.mode != "EDIT"):
            return False
    return True
