# SPDX-License-Identifier: GPL-3.0-or-later
"""Wiring an image into a material without taking anything out of it."""

from __future__ import annotations

import bpy

from .vendored import errors

BASE_COLOUR = "Base Color"
SPACING = 320
OWN = "latent_bridge_node"
"""Custom property of texture nodes that were made here."""
OCCLUSION_MIX = "Bridge occlusion mix"
"""Label of the node that darkens a base colour."""


def slot_material(target: bpy.types.Object, slot: int) -> bpy.types.Material:
    """The material in the slot; a new one only where there is none.

    Raises:
        BridgeError: `invalid_field` for objects that have no materials.
    """
    if not hasattr(target.data, "materials"):
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD, f"“{target.name}” cannot have a material.", hint="Choose a mesh."
        )
    if slot < len(target.material_slots):
        found = target.material_slots[slot].material
        if found is not None:
            return found
    material = bpy.data.materials.new(target.name)
    use_nodes(material)
    if slot < len(target.material_slots):
        target.material_slots[slot].material = material
    else:
        target.data.materials.append(material)
    return material


def use_nodes(material: bpy.types.Material) -> None:
    """Make sure there is a node tree. Since 5.0 every material has one, and setting the switch only warns."""
    if bpy.app.version < (5, 0, 0) and not material.use_nodes:
        material.use_nodes = True


def wire_base_colour(material: bpy.types.Material, image: bpy.types.Image) -> bpy.types.Node:
    """Show the image as the material's base colour; returns its texture node.

    A free socket is taken. In a texture node of our own making the image is exchanged; the one that was there stays in
    the file. Anything else that is wired there stays, mixed below the image: the mix node's factor brings it back.
    """
    use_nodes(material)
    tree = material.node_tree
    shader = shader_of(tree)
    if shader is None:
        return _texture_node(tree, image, (0, 0))  # for the user to wire: there is nothing that we know
    socket = _colour_socket(shader)
    link = socket.links[0] if socket.is_linked else None
    if link is not None and _is_ours(link.from_node):
        return _exchange(link.from_node, image)
    if link is not None and link.from_node.label == "Bridge mix":
        ours = link.from_node.inputs[7].links
        if ours and _is_ours(ours[0].from_node):
            return _exchange(ours[0].from_node, image)
    place, columns = shader.location, 1 if link is None else 2
    node = _texture_node(tree, image, (place.x - columns * SPACING, place.y))
    if link is None:
        tree.links.new(node.outputs["Color"], socket)
        return node
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type, mix.label, mix.location = "RGBA", "Bridge mix", (place.x - SPACING, place.y)
    mix.inputs[0].default_value = 1.0
    tree.links.new(link.from_socket, mix.inputs[6])
    tree.links.new(node.outputs["Color"], mix.inputs[7])
    tree.links.new(mix.outputs[2], socket)
    return node


def shader_of(tree: bpy.types.NodeTree) -> bpy.types.Node | None:
    """The shader with a base colour that the active output shows; None when it is something else."""
    output = tree.get_output_node("ALL")
    links = output.inputs["Surface"].links if output is not None else ()
    node = links[0].from_node if links else None
    if node is not None and BASE_COLOUR in node.inputs:
        return node
    return None


def base_colour_image(material: bpy.types.Material) -> bpy.types.Node | None:
    """The texture node that the base colour shows by itself, or above what we mixed it with; None for anything else."""
    tree = material.node_tree
    shader = shader_of(tree) if tree is not None else None
    links = _colour_socket(shader).links if shader is not None else ()
    node = links[0].from_node if links else None
    if node is not None and node.label == "Bridge mix":
        above = node.inputs[7].links
        node = above[0].from_node if above else None
    return node if node is not None and node.type == "TEX_IMAGE" and node.image is not None else None


def _colour_socket(shader: bpy.types.Node) -> bpy.types.NodeSocket:
    """Where the base colour goes in: into the shader, or into what darkens it by its ambient occlusion."""
    socket = shader.inputs[BASE_COLOUR]
    before = socket.links[0].from_node if socket.is_linked else None
    return before.inputs[6] if before is not None and before.label == OCCLUSION_MIX else socket


def _is_ours(node: bpy.types.Node) -> bool:
    return node.type == "TEX_IMAGE" and OWN in node


def _exchange(node: bpy.types.Node, image: bpy.types.Image) -> bpy.types.Node:
    former = node.image
    node.image = image
    if former is not None and former != image and not former.users:
        former.use_fake_user = True  # somebody may have painted on it, and what nobody uses is not saved
    return node


def _texture_node(tree: bpy.types.NodeTree, image: bpy.types.Image, place: tuple[float, float]) -> bpy.types.Node:
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image, node.location, node[OWN] = image, place, True
    for other in tree.nodes:
        other.select = False
    node.select = True
    tree.nodes.active = node  # texture paint and the Image Editor follow it
    return node
