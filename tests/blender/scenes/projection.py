"""Scenes: pictures projected onto meshes."""


import bpy
import numpy as np


def fill(**fields):
    """Set the panels' fields."""
    settings, projection = bpy.context.scene.latent_bridge, bpy.context.scene.latent_bridge_projection
    settings.prompt, settings.steps, settings.fixed_seed, settings.seed = "mossy stones", 2, True, 7
    projection.source, projection.picture_side, projection.texture_side = "camera", "256", "256"
    for name, value in fields.items():
        setattr(projection, name, value)


def project(addon):
    """Press the button and wait."""
    assert bpy.ops.latent_bridge.project() == {"FINISHED"}
    assert bpy.ops.latent_bridge.wait(timeout=120) == {"FINISHED"}
    jobs = list(addon.session.current().jobs.values())
    assert not jobs[-1].error, jobs[-1].error
    return jobs


def shown(target):
    """The image that the first material's base colour shows."""
    tree = target.active_material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    node = shader.inputs["Base Color"].links[0].from_node
    node = node if node.type == "TEX_IMAGE" else node.inputs[7].links[0].from_node
    return node.image


def values(image):
    """(H, W, 4), 0 to 255."""
    found = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(found)
    return np.round(found.reshape(image.size[1], image.size[0], 4) * 255).astype(np.int16)


def painted_image(side=256, colour=(0.2, 0.4, 0.6, 1.0)):
    """An image of one colour, worn by the active object."""
    image = bpy.data.images.new("painted", side, side)
    image.pixels.foreach_set(np.tile(np.array(colour, np.float32), side * side))
    tree = bpy.context.object.active_material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    tree.links.new(node.outputs[0], shader.inputs["Base Color"])
    return image


def from_the_camera(addon):
    """The default cube, which has UVs and a material without a texture, gets one."""
    target = bpy.context.object
    material = target.active_material
    fill()
    jobs = project(addon)
    image = shown(target)
    return {
        "jobs": len(jobs),
        "text": jobs[-1].text,
        "same_material": target.active_material == material,
        "layers": [layer.name for layer in target.data.uv_layers],
        "size": list(image.size),
        "colours": len(np.unique(values(image)[..., :3].reshape(-1, 3), axis=0)) > 1000,
        "prompt": image["prompt"],
    }
