# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel of the maps holds, kept in the scene."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, FloatProperty, PointerProperty

KINDS = ("normal", "roughness", "height", "occlusion", "metallic")


class LATENTBRIDGE_PG_maps(bpy.types.PropertyGroup):
    """Fields of the panel."""

    normal: BoolProperty(name="Normal", description="Which way the surface faces, wired by a Normal Map", default=True)
    roughness: BoolProperty(name="Roughness", description="Where highlights are wide", default=True)
    height: BoolProperty(name="Height", description="For displacement; without normals, for a Bump", default=True)
    occlusion: BoolProperty(name="Ambient Occlusion", description="How much sky each point sees", default=True)
    metallic: BoolProperty(name="Metallic", description="What is bright enough to be a metal; a guess", default=False)
    relief: FloatProperty(
        name="Relief",
        description="From the lowest to the highest point, in per cent of the texture's shorter side",
        default=2,
        min=0,
        max=50,
        soft_max=10,
        subtype="PERCENTAGE",
    )
    detail: FloatProperty(
        name="Fine Forms", description="How much of them the relief keeps", default=0.75, min=0, max=1, subtype="FACTOR"
    )
    light_is_deep: BoolProperty(
        name="Light Is Deep", description="As with pale mortar between dark bricks; otherwise dark is deep"
    )
    mean_roughness: FloatProperty(
        name="Roughness", description="Its mean; a picture cannot tell it", default=0.6, min=0, max=1, subtype="FACTOR"
    )
    displace: BoolProperty(
        name="Displacement", description="Wire the height to the material's displacement, for finely divided meshes"
    )
    darken: BoolProperty(
        name="Darken Base Colour",
        description="Multiply the base colour by the ambient occlusion, where the renderer makes too little of its own",
    )
    with_textures: BoolProperty(
        name="With Every Texture", description="Make the maps of every texture that is generated for a material"
    )

    def kinds(self) -> tuple[str, ...]:
        """The maps that are wanted."""
        return tuple(kind for kind in KINDS if getattr(self, kind))


def register() -> None:
    """Give every scene the fields."""
    bpy.utils.register_class(LATENTBRIDGE_PG_maps)
    bpy.types.Scene.latent_bridge_maps = PointerProperty(type=LATENTBRIDGE_PG_maps)


def unregister() -> None:
    """Take them away."""
    del bpy.types.Scene.latent_bridge_maps
    bpy.utils.unregister_class(LATENTBRIDGE_PG_maps)
