"""Scenes: Blenders that came without numpy, which projection needs."""

import bpy


def without_numpy(addon):
    """Whether numpy is missing, and what the button does."""
    bpy.context.scene.latent_bridge_projection.source = "camera"
    outcome = list(bpy.ops.latent_bridge.project())
    bpy.ops.latent_bridge.cancel()
    bpy.ops.latent_bridge.wait(timeout=60)
    return [addon.pictures.find_numpy() is None, outcome]
