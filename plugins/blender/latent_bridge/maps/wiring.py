# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps in a material, beside the texture whose maps they are. What others wired to a socket stays as it is."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from .. import materials

ROW, COLUMN = 300, 320
MIDDLE = 0.5
"""Height that is not displaced."""


@dataclass(frozen=True)
class Wishes:
    """What becomes of height and ambient occlusion.

    Attributes:
        displace: wire the height to the displacement of the material.
        darken: multiply the base colour by the ambient occlusion.
        relief: from the lowest to the highest point, as a share of the texture's side.
    """

    displace: bool
    darken: bool
    relief: float


def texture_node(material: bpy.types.Material | None, image: bpy.types.Image) -> bpy.types.Node | None:
    """The node by which a material wears an image; None when it does not."""
    tree = material.node_tree if material is not None else None
    nodes = tree.nodes if tree is not None else ()
    return next((node for node in nodes if node.type == "TEX_IMAGE" and node.image == image), None)


def wire(
    material: bpy.types.Material, base: bpy.types.Node, maps: dict[str, bpy.types.Image], wishes: Wishes
) -> list[str]:
    """Wire maps beside their base colour; returns the kinds whose socket is somebody else's, or is missing."""
    return _Wiring(material, base, wishes).wire(maps)


class _Wiring:
    def __init__(self, material: bpy.types.Material, base: bpy.types.Node, wishes: Wishes) -> None:
        self._material, self._tree, self._base, self._wishes = material, material.node_tree, base, wishes
        self._shader = materials.shader_of(self._tree)
        self._active = self._tree.nodes.active  # texture paint and the Image Editor follow it

    def wire(self, maps: dict[str, bpy.types.Image]) -> list[str]:
        textures = {kind: self._texture(kind, image, row) for row, (kind, image) in enumerate(maps.items(), start=1)}
        taken = []
        for kind, node in textures.items():
            connect = getattr(self, f"_{kind}", None)
            if self._shader is not None and connect is not None and not connect(node, maps):
                taken.append(kind)
        self._tree.nodes.active = self._active
        return taken

    # Each returns whether the socket was to be had.

    def _roughness(self, texture: bpy.types.Node, _maps: object) -> bool:
        return self._join(texture.outputs["Color"], self._shader.inputs.get("Roughness"))

    def _metallic(self, texture: bpy.types.Node, _maps: object) -> bool:
        return self._join(texture.outputs["Color"], self._shader.inputs.get("Metallic"))

    def _normal(self, texture: bpy.types.Node, _maps: object) -> bool:
        node = self._node("ShaderNodeNormalMap", "normal map", texture)
        self._join(texture.outputs["Color"], node.inputs["Color"])
        return self._join(node.outputs["Normal"], self._shader.inputs.get("Normal"))

    def _height(self, texture: bpy.types.Node, maps: dict[str, bpy.types.Image]) -> bool:
        free = True
        if "normal" not in maps:
            bump = self._node("ShaderNodeBump", "bump", texture)
            bump.inputs["Distance"].default_value = self._wishes.relief
            self._join(texture.outputs["Color"], bump.inputs["Height"])
            free = self._join(bump.outputs["Normal"], self._shader.inputs.get("Normal"))
        return self._displaced(texture) and free if self._wishes.displace else free

    def _displaced(self, texture: bpy.types.Node) -> bool:
        node = self._node("ShaderNodeDisplacement", "displacement", texture)
        node.inputs["Midlevel"].default_value = MIDDLE
        node.inputs["Scale"].default_value = self._wishes.relief
        self._join(texture.outputs["Color"], node.inputs["Height"])
        # Displaced where the mesh is fine enough, bumped where it is not.
        holder = self._material if hasattr(self._material, "displacement_method") else self._material.cycles
        holder.displacement_method = "BOTH"
        return self._join(node.outputs["Displacement"], self._tree.get_output_node("ALL").inputs["Displacement"])

    def _occlusion(self, texture: bpy.types.Node, _maps: object) -> bool:
        mix = self._find("ShaderNodeMix", materials.OCCLUSION_MIX)
        if not self._wishes.darken:
            if mix is not None:
                mix.inputs[0].default_value = 0.0
            return True
        colour = self._shader.inputs.get(materials.BASE_COLOUR)
        if colour is None:
            return False
        if mix is None:
            place = self._shader.location.x - COLUMN / 2, self._shader.location.y + ROW / 2
            mix = self._new("ShaderNodeMix", materials.OCCLUSION_MIX, place)
            mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
            if colour.is_linked:
                self._tree.links.new(colour.links[0].from_socket, mix.inputs[6])
            self._tree.links.new(mix.outputs[2], colour)
        mix.inputs[0].default_value = 1.0
        return self._join(texture.outputs["Color"], mix.inputs[7])

    def _texture(self, kind: str, image: bpy.types.Image, row: int) -> bpy.types.Node:
        """The texture node of a map, placed below its base colour and mapped as that is."""
        label = f"Bridge {kind}"
        node = self._find("ShaderNodeTexImage", label)
        if node is None:
            # A column further left, so that what comes between a map and the shader has room.
            place = self._base.location.x - COLUMN, self._base.location.y - ROW * row
            node = self._new("ShaderNodeTexImage", label, place)
        node.image = image
        for name in ("projection", "projection_blend", "extension", "interpolation"):
            setattr(node, name, getattr(self._base, name))
        vector = self._base.inputs["Vector"]
        if vector.is_linked:
            self._tree.links.new(vector.links[0].from_socket, node.inputs["Vector"])
        return node

    def _node(self, kind: str, what: str, texture: bpy.types.Node) -> bpy.types.Node:
        label = f"Bridge {what}"
        node = self._find(kind, label)
        if node is None:
            node = self._new(kind, label, (texture.location.x + COLUMN, texture.location.y))
        return node

    def _new(self, kind: str, label: str, place: tuple[float, float]) -> bpy.types.Node:
        node = self._tree.nodes.new(kind)
        node.label, node.location, node.select = label, place, False
        return node

    def _find(self, kind: str, label: str) -> bpy.types.Node | None:
        return next((node for node in self._tree.nodes if node.bl_idname == kind and node.label == label), None)

    def _join(self, output: bpy.types.NodeSocket, socket: bpy.types.NodeSocket | None) -> bool:
        """Link; False when the socket is somebody else's, or the shader has none of that name."""
        if socket is None:
            return False
        if socket.is_linked and not socket.links[0].from_node.label.startswith("Bridge "):
            return False
        self._tree.links.new(output, socket)
        return True
