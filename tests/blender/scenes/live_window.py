"""A scene in a real window: strokes of the mouse on a shared image that a mesh wears. The timers alone do the rest."""

import subprocess
import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
from live import Other, top_down
from window import area_of, shot, until

NAME = "worn"
SIDE = 256


def wear(name):
    """An image on the default cube."""
    image = bpy.data.images.new(name, SIDE, SIDE, alpha=True)
    image.generated_color = (0.8, 0.8, 0.8, 1)
    tree = bpy.context.object.active_material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    tree.nodes.active = node
    return image


def editors(image):
    """The cube with its texture at the left, the image in Paint mode at the right."""
    window, area, regions = area_of("VIEW_3D")
    area.spaces.active.shading.type = "SOLID"
    area.spaces.active.shading.color_type = "TEXTURE"
    with bpy.context.temp_override(window=window, area=area, region=regions["WINDOW"]):
        bpy.ops.screen.area_split(direction="VERTICAL", factor=0.35)
    yield 0.5
    painted = max((area for area in window.screen.areas if area.type == "VIEW_3D"), key=lambda area: area.x)
    painted.type = "IMAGE_EDITOR"
    painted.spaces.active.image = image
    painted.spaces.active.ui_mode = "PAINT"
    painted.spaces.active.show_region_ui = True
    yield 1.0


def drag(area, offset):
    """A stroke through the middle of an editor, with the left button."""
    screen = area.id_data
    height = max(each.y + each.height for each in screen.areas)
    x, y = area.x + area.width // 2 - 110, height - (area.y + area.height // 2) + offset
    pointer(["mousemove", str(x), str(y)])
    yield 0.5
    pointer(["mousedown", "1"])
    for step in range(1, 9):
        pointer(["mousemove", str(x + step * 8), str(y + step * 2)])
        yield 0.05
    pointer(["mouseup", "1"])
    yield 0.3


def pointer(words):
    """Move or press the mouse."""
    subprocess.run(["xdotool", *words], check=True)


def painting(addon, folder):
    """A stroke here, one elsewhere, and live generation."""
    yield 0.5
    yield from until(lambda: addon.session.current().state == "connected")
    image = wear(NAME)
    yield from editors(image)
    window, area, regions = area_of("IMAGE_EDITOR")
    with bpy.context.temp_override(window=window, area=area, region=regions["WINDOW"]):
        bpy.ops.latent_bridge.share()
    sharing = addon.live.sharing.current()
    yield from until(lambda: (found := sharing.of(bpy.data.images[NAME])) and found.canvas is not None)
    other = Other(addon, f"blender: {NAME}")
    before = top_down(image)
    same_at_first = other.read() == before
    yield from drag(area, 0)
    yield from drag(area, 30)
    yield from until(lambda: other.read() == top_down(image) != before)
    other.patch(0, 0, SIDE, 40, bytes((200, 40, 20, 255)) * (SIDE * 40))
    yield from until(lambda: other.canvas.settle(0) and other.read() == top_down(image))
    yield 0.5
    shot(folder, "canvas-worn.png")
    bpy.context.scene.latent_bridge.prompt = "mossy stones"
    with bpy.context.temp_override(window=window, area=area, region=regions["WINDOW"]):
        bpy.ops.latent_bridge.live()
    share = sharing.of(bpy.data.images[NAME])
    yield from until(lambda: share.preview.area is not None and share.preview.info.state == "waiting")
    yield from open_tab()
    area_of("VIEW_3D")[1].type = "IMAGE_EDITOR"
    left = min((each for each in window.screen.areas if each.type == "IMAGE_EDITOR"), key=lambda each: each.x)
    left.spaces.active.image = bpy.data.images[f"{NAME} live"]
    for _ in range(3):
        pointer(["click", "5"])
    yield 1.0
    shot(folder, "canvas.png")
    frame = list(bpy.data.images[f"{NAME} live"].size)
    other.bridge.close()
    return {"same at first": same_at_first, "frame": frame}


def open_tab():
    """Press our tab in the sidebar, the fourth one where images are painted."""
    for words in (
        ["mousemove", "1043", "233"],
        ["mousemove", "1043", "229"],
        ["click", "1"],
        ["mousemove", "1000", "375"],
    ):
        pointer(words)
        yield 0.4
    yield 0.6
