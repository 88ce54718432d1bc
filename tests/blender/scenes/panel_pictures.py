"""Scenes in a tall window: every panel of ours, opened, in every editor; and the preferences."""

import os
import subprocess
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from window import area_of, fill, jobs, open_tab, until


def open_all_panels():
    """As if the user had opened every panel of our tab: Blender has no call that does it."""
    ours = [kind for kind in bpy.types.Panel.__subclasses__() if getattr(kind, "bl_category", "") == "Bridge"]
    for kind in ours:
        bpy.utils.unregister_class(kind)
    for kind in ours:
        kind.bl_options = set()
        bpy.utils.register_class(kind)


def picture(folder, name, region):
    """A picture of a region, after everything was drawn."""
    height = bpy.context.window_manager.windows[0].height
    subprocess.run(["xdotool", "mousemove", "640", str(height - 2)], check=True)  # away, with its tooltip
    yield 1.0
    box = f"{region.width}x{region.height}+{region.x}+{height - region.y - region.height}"
    words = ["import", "-window", "root", "-crop", box, "+repage", os.path.join(folder, f"panels-{name}.png")]
    subprocess.run(words, check=True)


def all_editors(addon, folder):
    """3D View, Shader Editor, Image Editor."""
    yield 0.5
    session = addon.session.current()
    yield from until(lambda: session.state == "connected")
    open_all_panels()
    window, area, regions = area_of("VIEW_3D")
    area.spaces.active.show_region_ui = True
    yield 2.0
    yield from open_tab(area)
    yield from open_tab(area)
    fill(variants=2, steps=2, width=128, height=128)
    bpy.context.scene.latent_bridge_projection.source = "cameras"
    with bpy.context.temp_override(window=window, area=area, region=regions["WINDOW"]):
        bpy.ops.latent_bridge.texture()
    yield from until(lambda: jobs(addon)[-1].over)
    yield from picture(folder, "view", regions["UI"])
    with bpy.context.temp_override(window=window, area=area, region=regions["WINDOW"]):
        bpy.ops.latent_bridge.use(job=jobs(addon)[-1].id, index=1)
    area.ui_type = "ShaderNodeTree"
    area.spaces.active.show_region_ui = True
    yield 1.0
    yield from open_tab(area)
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.latent_bridge.surface_maps()
    yield from until(lambda: jobs(addon)[-1].over and jobs(addon)[-1].applied)
    yield from picture(folder, "shader", area_of("NODE_EDITOR")[2]["UI"])
    yield from image_editor(addon, folder, window, area)
    return [job.phase.value for job in jobs(addon)]


def image_editor(addon, folder, window, area):
    """With a version before, and shared."""
    area.type = "IMAGE_EDITOR"
    image = area.spaces.active.image = bpy.data.images["mossy stones"]
    area.spaces.active.show_region_ui = True
    bpy.context.scene.latent_bridge.box = (20, 20, 100, 90)
    yield 1.0
    yield from open_tab(area)
    region = area_of("IMAGE_EDITOR")[2]["WINDOW"]
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.context.scene.latent_bridge.variants = 1
        bpy.ops.latent_bridge.edit()
    yield from until(lambda: not addon.session.current().busy)
    bpy.ops.latent_bridge.share(image=image.name)
    yield 1.0
    yield from picture(folder, "image", area_of("IMAGE_EDITOR")[2]["UI"])


def preferences(addon, folder, address, token, certificate):
    """A daemon elsewhere whose certificate is unknown, and the same with its certificate; the sidebar in between."""
    yield 0.5
    settings = addon.session.preferences()
    settings.address, settings.token = address, token
    area = area_of("VIEW_3D")[1]
    area.spaces.active.show_region_ui = True
    bpy.ops.latent_bridge.connect()
    yield 2.0
    yield from open_tab(area)
    yield from open_tab(area)
    yield from until(lambda: addon.session.current().error is not None)
    yield from picture(folder, "no-connection", area_of("VIEW_3D")[2]["UI"])
    area.ui_type = "PREFERENCES"
    bpy.context.preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "Latent"
    bpy.ops.preferences.addon_expand(module=addon.__name__)
    found = {}
    for name, path in (("untrusted", ""), ("tested", certificate)):
        settings.certificate = path
        bpy.ops.latent_bridge.connect()
        bpy.ops.latent_bridge.test_connection()
        session = addon.session.current()
        yield from until(lambda session=session: not session.trial.runs)
        yield from picture(folder, f"preferences-{name}", area_of("PREFERENCES")[2]["WINDOW"])
        found[name] = [list(session.trial.lines), session.trial.error is not None, session.state]
    return found
