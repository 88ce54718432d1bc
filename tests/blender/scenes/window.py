"""Scenes in a real window: the timer delivers, panels are drawn. What they yield is how long Blender lives on."""

import os
import subprocess
import time

import bpy

TABS = {"VIEW_3D": (1043, 246), "IMAGE_EDITOR": (1043, 287), "NODE_EDITOR": (1043, 287)}
"""Where our tab is, pixels from the upper left: Blender 3.4 has no call that opens one."""


def area_of(kind):
    """The first editor of a kind, with its window and regions."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == kind)
    return window, area, {region.type: region for region in area.regions}


def shot(folder, name):
    """A picture of the whole screen."""
    subprocess.run(["import", "-window", "root", os.path.join(folder, name)], check=True)


def open_tab(area):
    """Press our tab in the sidebar. The pointer must have been there before Blender takes the press."""
    x, y = map(str, TABS[area.type])
    for words in (["mousemove", x, str(int(y) + 4)], ["mousemove", x, y], ["click", "1"]):
        subprocess.run(["xdotool", *words], check=True)
        yield 0.4


def fill(**fields):
    """Set the panel's fields."""
    settings = bpy.context.scene.latent_bridge
    settings.prompt, settings.size, settings.width, settings.height = "mossy stones", "custom", 256, 256
    settings.fixed_seed, settings.seed = True, 7
    for name, value in fields.items():
        setattr(settings, name, value)


def jobs(addon):
    """The jobs as the panel knows them."""
    return list(addon.session.current().jobs.values())


def until(condition, seconds=60):
    """Let Blender live until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        yield 0.05


def panels(addon, folder):
    """Every panel, drawn and looked at, while jobs run and when they are over."""
    yield 0.5
    session = addon.session.current()
    yield from until(lambda: session.state == "connected")
    window, area, regions = area_of("VIEW_3D")
    area.spaces.active.show_region_ui = True
    area.spaces.active.shading.type = "SOLID"
    area.spaces.active.shading.color_type = "TEXTURE"
    yield 2.0
    yield from open_tab(area)
    yield from open_tab(area)  # the first press only makes the area the active one
    fill(variants=4, steps=6, width=128, height=128)
    with bpy.context.temp_override(window=window, area=area, region=regions["WINDOW"]):
        bpy.ops.latent_bridge.texture()
    yield from until(lambda: jobs(addon)[-1].preview is not None or jobs(addon)[-1].over)
    yield 0.3
    shot(folder, "texture-running.png")
    yield from until(lambda: jobs(addon)[-1].over)
    yield 0.6
    shot(folder, "texture-variants.png")
    with bpy.context.temp_override(window=window, area=area, region=regions["WINDOW"]):
        bpy.ops.latent_bridge.use(job=jobs(addon)[-1].id, index=1)
    yield 1.0
    shot(folder, "texture-chosen.png")
    image = bpy.data.images["mossy stones"]
    area.type = "IMAGE_EDITOR"
    area.spaces.active.image = image
    area.spaces.active.show_region_ui = True
    bpy.context.scene.latent_bridge.box = (60, 60, 200, 180)
    yield 1.0
    yield from open_tab(area)
    shot(folder, "image-editor.png")
    area.ui_type = "ShaderNodeTree"
    area.spaces.active.show_region_ui = True
    yield 1.0
    yield from open_tab(area)
    shot(folder, "shader-editor.png")
    with bpy.context.temp_override(window=window, area=area):
        bpy.ops.latent_bridge.surface_maps()
    yield from until(lambda: jobs(addon)[-1].over and jobs(addon)[-1].applied)
    yield 0.6
    shot(folder, "surface-maps.png")
    return [job.phase.value for job in jobs(addon)]


def delivery(addon):
    """How long Blender's main thread is busy with a result, and that the timer alone delivers it."""
    yield 0.5
    yield from until(lambda: addon.session.current().state == "connected")
    fill(steps=1)
    bpy.ops.latent_bridge.texture()
    yield from until(lambda: jobs(addon)[-1].over)
    return jobs(addon)[-1].phase.value


def status_and_escape(addon, folder):
    """A long job with the sidebar shut: the status bar follows it, and Esc ends it; afterwards Esc means nothing."""
    yield 0.5
    session = addon.session.current()
    yield from until(lambda: session.state == "connected")
    drawn, header = [], bpy.types.STATUSBAR_HT_header
    line = addon.progress.progress_line

    def noting(*_):
        drawn.append(line(session.jobs.values()))

    header.append(noting)
    window, area, regions = area_of("VIEW_3D")
    place = [str(area.x + area.width // 2), str(window.height - area.y - area.height // 2)]
    subprocess.run(["xdotool", "mousemove", *place], check=True)
    fill(steps=400, width=256, height=256, variants=1)
    bpy.ops.latent_bridge.texture()
    yield from until(lambda: jobs(addon)[-1].fraction > 0.02)
    yield 0.5
    shot(folder, "status-bar.png")
    key = ["xdotool", "key", "Escape"]
    with bpy.context.temp_override(window=window):
        bpy.ops.screen.animation_play()
    yield from until(lambda: window.screen.is_animation_playing)
    yield 0.3
    subprocess.run(key, check=True)
    yield from until(lambda: not window.screen.is_animation_playing)
    found = {"playing": jobs(addon)[-1].phase.value}
    with bpy.context.temp_override(window=window, area=area, region=regions["WINDOW"]):
        bpy.ops.transform.translate("INVOKE_DEFAULT")
    yield 0.3
    subprocess.run(key, check=True)
    yield 0.5
    found["moving"] = jobs(addon)[-1].phase.value
    subprocess.run(["xdotool", "mousemove_relative", "3", "3"], check=True)
    yield 0.3
    subprocess.run(key, check=True)
    yield from until(lambda: jobs(addon)[-1].over)
    found["escaped"] = jobs(addon)[-1].phase.value
    yield 0.5
    header.remove(noting)
    shares = {words.split(", ")[1] for words in drawn if "%" in words}
    with bpy.context.temp_override(window=window, area=area, region=regions["WINDOW"]):
        polled = bpy.ops.latent_bridge.cancel_running.poll()
    return {**found, "shares": len(shares), "last": drawn[-1], "polled": polled}


def dragging(addon):
    """Boxes dragged over an image with the mouse: one to repaint, one beyond a side, and one that is given up."""
    yield 0.5
    window, area, _ = area_of("VIEW_3D")
    area.type = "IMAGE_EDITOR"
    area.spaces.active.image = bpy.data.images.new("dragged", 200, 100)
    yield 1.0
    settings = bpy.context.scene.latent_bridge
    yield from drag(window, area, "MASK", (0.25, 0.2), (0.75, 0.9))
    mask = [settings.mask_from, *settings.box]
    yield from drag(window, area, "GROW", (0.5, 0.1), (1.25, 0.9))
    grown = list(settings.grow)
    yield from drag(window, area, "MASK", (0.1, 0.1), (0.2, 0.2), give_up=True)
    return {"mask": mask, "grown": grown, "after_escape": list(settings.box) == mask[1:]}


def drag(window, area, purpose, start, end, *, give_up=False):
    """Drag a box from one place of the image to another, 0 to 1 from the lower left."""
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.latent_bridge.select_box("INVOKE_DEFAULT", purpose=purpose)
    yield 0.3

    def on_screen(place):
        x, y = region.view2d.view_to_region(*place, clip=False)
        return str(region.x + x), str(window.height - 1 - region.y - y)

    steps = [["mousemove", *on_screen(start)], ["mousedown", "1"], ["mousemove", *on_screen(end)]]
    steps.append(["key", "Escape"] if give_up else ["mouseup", "1"])
    for words in steps:
        subprocess.run(["xdotool", *words], check=True)
        yield 0.3
    if give_up:
        subprocess.run(["xdotool", "mouseup", "1"], check=True)
        yield 0.3
