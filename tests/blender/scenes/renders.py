"""Scenes: renders through the model, and the GPU that is lent for them."""

import os
import time
from pathlib import Path

import bpy


def prepare(**fields):
    """A small scene that renders at once."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.device = 1, "CPU"
    scene.cycles.use_denoising = False  # Debian's Blender has none
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 64, 48, 100
    settings = scene.latent_bridge
    settings.prompt, settings.steps, settings.fixed_seed, settings.seed, settings.variants = "clay", 2, True, 3, 1
    for name, value in fields.items():
        setattr(settings, name, value)
    return scene


def jobs(addon):
    """The jobs as the panel knows them."""
    return list(addon.session.current().jobs.values())


def still(addon):
    """The operator takes the last render and leaves it as it is."""
    prepare()
    missing = bpy.ops.latent_bridge.restyle_render() == {"CANCELLED"}
    bpy.ops.render.render()
    bpy.ops.latent_bridge.restyle_render()
    bpy.ops.latent_bridge.wait(timeout=60)
    job = jobs(addon)[-1]
    image = bpy.data.images[job.applied]
    return {"missing": missing, "error": job.error, "size": list(image.size), "seed": image["seed"]}


def animation(addon):
    """Every frame that Blender writes is sent on by the hook, with one seed, and the rendered files stay."""
    scene = prepare(render_after=True, fixed_seed=False)
    folder = Path(os.environ["TMPDIR"]) / "frames"
    scene.render.filepath = f"{folder}/f"
    scene.frame_start, scene.frame_end = 1, 4
    bpy.ops.render.render(animation=True)
    bpy.ops.latent_bridge.wait(timeout=90)
    session = addon.session.current()
    session.wait(lambda: len(list(folder.glob("*_bridge.png"))) == 4, 30)
    seeds = {variant.seed for job in jobs(addon) for variant in job.variants}
    return {"files": sorted(path.name for path in folder.iterdir()), "seeds": len(seeds)}


def lent(addon):
    """While a render runs the daemon has given its device away; afterwards it is back."""
    prepare()
    addon.session.preferences().lend_for_render = True
    bpy.ops.latent_bridge.connect(wait=20)
    session = addon.session.current()
    seen = []

    def look(*_):
        seen.append(session.connection.ask_and_wait(lambda bridge: bridge.ping().lent))

    bpy.app.handlers.render_pre.append(look)
    bpy.ops.render.render()
    bpy.app.handlers.render_pre.remove(look)
    deadline = time.monotonic() + 10
    while (left := session.connection.ask_and_wait(lambda bridge: bridge.ping().lent)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return {"during": seen[0] > 0, "after": left == 0}
