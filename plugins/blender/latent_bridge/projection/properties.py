# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel of the projection holds, kept in the scene."""

from __future__ import annotations

import math

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty

SOURCES = [
    ("view", "Current View", "What the 3D View shows"),
    ("camera", "Camera", "The scene's camera"),
    ("cameras", "Around", "The cameras of “Bridge Cameras”, one after another"),
]
ARRANGEMENTS = [("ring", "Ring", "All at one height"), ("sphere", "Sphere", "Evenly all around")]
PICTURES = [(str(side), str(side), "") for side in (256, 512, 768, 1024, 1536, 2048)]
TEXTURES = [(str(side), f"{side} × {side}", "") for side in (256, 512, 1024, 2048, 4096)]


class LATENTBRIDGE_PG_projection(bpy.types.PropertyGroup):
    """Fields of the panel."""

    source: EnumProperty(name="From", items=SOURCES)
    picture_side: EnumProperty(
        name="Picture", description="Longer side of a view's picture, pixels", items=PICTURES, default="512"
    )
    texture_side: EnumProperty(
        name="Texture", description="Size where there is no texture yet", items=TEXTURES, default="1024"
    )
    strength: FloatProperty(
        name="Strength",
        description="How much of what the view shows may change",
        default=0.85,
        min=0,
        max=1,
        subtype="FACTOR",
    )
    margin: IntProperty(
        name="Margin", description="Pixels that islands are continued beyond their sides", default=8, min=0, max=64
    )
    fill: BoolProperty(name="Fill Unseen", description="Texels that show nothing get colours from around", default=True)
    by_depth: BoolProperty(
        name="Depth", description="The picture follows how far away each point is, by a ControlNet", default=True
    )
    by_normal: BoolProperty(name="Normals", description="The picture follows which way the faces look, by a ControlNet")
    by_edges: BoolProperty(name="Edges", description="The picture follows outlines and creases, by a ControlNet")
    arrangement: EnumProperty(name="Shape", items=ARRANGEMENTS)
    count: IntProperty(name="Cameras", default=6, min=1, max=64)
    elevation: FloatProperty(
        name="Elevation", default=math.radians(20), min=-math.pi / 2, max=math.pi / 2, subtype="ANGLE"
    )


def register() -> None:
    """Give every scene the fields."""
    bpy.utils.register_class(LATENTBRIDGE_PG_projection)
    bpy.types.Scene.latent_bridge_projection = PointerProperty(type=LATENTBRIDGE_PG_projection)


def unregister() -> None:
    """Take them away."""
    del bpy.types.Scene.latent_bridge_projection
    bpy.utils.unregister_class(LATENTBRIDGE_PG_projection)
