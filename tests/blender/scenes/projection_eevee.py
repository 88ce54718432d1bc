"""Scene: what was projected from the camera, rendered by EEVEE from there."""

import sys
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from projection import eroded, fill, project, suzanne, values
from projection_window import picture_of

SIDE = 256


def like_the_picture(addon, folder):
    """How much a render in even light is like the picture that was projected: a correlation."""
    target, scene = suzanne(), bpy.context.scene
    fill(picture_side=str(SIDE), texture_side="512")
    even_light(scene)
    job = project(addon)[-1]
    for material in target.data.materials:
        shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
        shader.inputs["Roughness"].default_value = 1
        name = "Specular" if "Specular" in shader.inputs else "Specular IOR Level"
        shader.inputs[name].default_value = 0
    picture = picture_of(addon, job.id)
    scene.render.filepath = str(Path(folder, f"projection-eevee-{bpy.app.version_string.split()[0]}.png"))
    bpy.ops.render.render(write_still=True)
    rendered = values(bpy.data.images.load(scene.render.filepath))
    shown = eroded(rendered[..., 3] == 255, 4)
    return {
        "engine": scene.render.engine,
        "pixels": int(shown.sum()),
        "like": float(np.corrcoef(picture[shown].ravel(), rendered[shown][:, :3].ravel())[0, 1]),
    }


def even_light(scene):
    """EEVEE, few samples, and light from everywhere."""
    engines = [each.identifier for each in scene.render.bl_rna.properties["engine"].enum_items]
    scene.render.engine = next(name for name in ("BLENDER_EEVEE_NEXT", "BLENDER_EEVEE") if name in engines)
    scene.eevee.taa_render_samples = 4
    scene.view_settings.view_transform = "Standard"
    scene.render.film_transparent = True
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.render.resolution_percentage = 100
    bpy.data.objects.remove(bpy.data.objects["Light"])
    background = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value, background.inputs["Strength"].default_value = (1, 1, 1, 1), 1
