"""A scene in a real window, with numpy: what the 3D View shows is projected, from views that users turn to."""

import math
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Euler, Vector
from mathutils.geometry import barycentric_transform

sys.path.insert(0, str(Path(__file__).parent))
from projection import fill, painted_image, suzanne, values
from window import area_of, jobs, shot, until

SIDE = 1024
KEY = "F8"
CELL, SAMPLES = 48, 30
"""Places in a picture whose error is measured by themselves: pixels, and the fewest texels that tell anything."""
SHIFTS = np.arange(-2, 2.01, 0.25)
"""Pixels that the picture is moved by, to find where it fits best."""


def views(addon, folder):
    """Project from one view after another; each is undone by the keyboard."""
    yield 0.5
    yield from until(lambda: addon.session.current().state == "connected")
    _, area, regions = area_of("VIEW_3D")
    space = area.spaces.active
    space.shading.type, space.shading.light, space.shading.color_type = "SOLID", "FLAT", "TEXTURE"
    material = bpy.context.object.active_material.name
    target = suzanne()
    target.data.materials.append(bpy.data.materials[material])
    target.name, target.rotation_euler = "Suzanne", (0.2, 0.1, 0.4)
    unwrapped(target)
    matt(bpy.data.materials[material])
    image = painted_image(SIDE)
    image.pack()
    fill(source="view", fill=False, strength=1)
    keymap = bpy.context.window_manager.keyconfigs.addon.keymaps.new(name="3D View", space_type="VIEW_3D")
    keymap.keymap_items.new("latent_bridge.project", KEY, "PRESS")
    bpy.ops.ed.undo_push(message="before")
    before = values(image)
    found = {}
    for name, turn in VIEWS.items():
        turn(space.region_3d)
        yield from drawn(area)
        plain = region_picture(regions["WINDOW"], folder)
        submitted = len(jobs(addon))
        yield from press(KEY, regions["WINDOW"], lambda count=submitted: len(jobs(addon)) > count)
        yield from until(lambda: jobs(addon)[-1].text == "On “painted”")
        yield from drawn(area)
        shot(folder, f"projection-window-{name}.png")
        after = values(bpy.data.images["painted"])
        picture = picture_of(addon, jobs(addon)[-1].id)
        found[name] = compared(regions["WINDOW"], space.region_3d, before, after, picture, shared_texels(addon))
        if name == "perspective":
            found[name]["material_preview"] = yield from like_in_eevee(area, regions["WINDOW"], folder, plain)
        undone = lambda: bool((values(bpy.data.images["painted"]) == before).all())  # noqa: E731 - what is polled
        yield from press("ctrl+z", regions["WINDOW"], undone)
        found[name]["undone"] = bpy.data.objects["Suzanne"].active_material.name == material
    return found


def unwrapped(target):
    """UVs by smart projection, as many users begin."""
    bpy.context.view_layer.objects.active = target
    target.select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    target.data.uv_layers.new(name="UVMap")
    bpy.ops.uv.smart_project(island_margin=0.005)
    bpy.ops.object.mode_set(mode="OBJECT")


def matt(material):
    """Without highlights, so that what EEVEE shows is the texture and little else."""
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value, shader.inputs["Specular"].default_value = 1, 0
    bpy.context.scene.view_settings.view_transform = "Standard"


def turned(region_3d):
    """A perspective from the upper left, rolled a little."""
    region_3d.view_perspective = "PERSP"
    region_3d.view_rotation = Euler((math.radians(65), math.radians(10), math.radians(-30))).to_quaternion()
    region_3d.view_location, region_3d.view_distance = (0.2, 0, 0.1), 8


def orthographic(region_3d):
    """Without perspective, so near that parts of the mesh lie beyond the window."""
    region_3d.view_perspective = "ORTHO"
    region_3d.view_rotation = Euler((math.radians(80), 0, math.radians(40))).to_quaternion()
    region_3d.view_location, region_3d.view_distance = (0.6, 0, 0.3), 2.8


def through_the_camera(region_3d):
    """What the camera sees, with its shift and the view's own zoom."""
    camera = bpy.context.scene.camera
    camera.location = (3, -7, 2)
    camera.rotation_euler = (-Vector(camera.location)).to_track_quat("-Z", "Y").to_euler()
    camera.data.shift_x, camera.data.shift_y = 0.05, -0.03
    region_3d.view_perspective, region_3d.view_camera_zoom = "CAMERA", 12


VIEWS = {"perspective": turned, "orthographic": orthographic, "camera": through_the_camera}


def drawn(area):
    """Wait until the view was drawn anew: its matrices are those of the last time."""
    count = []
    handle = bpy.types.SpaceView3D.draw_handler_add(lambda: count.append(1), (), "WINDOW", "POST_PIXEL")
    for wanted in (1, 2):
        area.tag_redraw()
        yield from until(lambda wanted=wanted: len(count) >= wanted)
    bpy.types.SpaceView3D.draw_handler_remove(handle, "WINDOW")


def like_in_eevee(area, region, folder, plain):
    """How much Material Preview, which EEVEE draws, is like Solid where something was painted: a correlation.

    Args:
        area: of the 3D View.
        region: likewise.
        folder: for pictures.
        plain: what was shown before, in Solid.
    """
    shading = area.spaces.active.shading
    solid = region_picture(region, folder)
    shading.type = "MATERIAL"
    yield from drawn(area)
    yield from until(lambda: not bpy.app.is_job_running("SHADER_COMPILATION"), 120)
    yield from drawn(area)
    shot(folder, "projection-window-material-preview.png")
    preview = region_picture(region, folder)
    shading.type = "SOLID"
    painted = np.abs(solid - plain).max(axis=-1) > 20
    return {
        "pixels": int(painted.sum()),
        "like_solid": float(np.corrcoef(solid[painted].ravel(), preview[painted].ravel())[0, 1]),
        "like_before": float(np.corrcoef(plain[painted].ravel(), preview[painted].ravel())[0, 1]),
    }


def region_picture(region, folder):
    """(H, W, 3), 0 to 255: what a region of the screen shows."""
    shot(folder, "region.png")
    path = Path(folder, "region.png")
    image = bpy.data.images.load(str(path))
    found = values(image)[region.y : region.y + region.height, region.x : region.x + region.width, :3]
    bpy.data.images.remove(image)
    path.unlink()
    return found


def press(key, region, done):
    """Press a key with the pointer over a region, until it has had its effect."""
    height = bpy.context.window_manager.windows[0].height
    x, y = region.x + region.width // 2, height - region.y - region.height // 2
    for near in (2, 0):  # Blender takes keys for the region that it has seen the pointer move in
        subprocess.run(["xdotool", "mousemove", str(x + near), str(y)], check=True)
        yield 0.1
    subprocess.run(["xdotool", "key", key], check=True)
    yield from until(done)


def picture_of(addon, job_id):
    """(H, W, 3), rows from the bottom: the picture that the daemon made of a view, as its history has it."""
    picture = addon.session.current().connection.ask_and_wait(lambda bridge: bridge.fetch(job_id)).layer.picture
    rows = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, -1)
    return rows[::-1, :, :3].astype(np.int16)


def shared_texels(addon):
    """(SIDE, SIDE): where UVs overlap, as smart projection lets them here and there."""
    mesh = bpy.data.objects["Suzanne"].evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    mesh.calc_loop_triangles()
    layer = mesh.uv_layers.active.data
    corners = np.array([[layer[loop].uv for loop in triangle.loops] for triangle in mesh.loop_triangles]) * SIDE
    times = np.zeros(SIDE * SIDE, int)
    for found in addon.projection.raster.fragments(corners, SIDE, SIDE):
        np.add.at(times, found.pixel[found.share.min(axis=1) > 1e-6], 1)
    return (times > 1).reshape(SIDE, SIDE)


def compared(region, region_3d, before, after, picture, shared):
    """What became of a texel of every face: those that are seen show the picture's pixel, all others what they did."""
    sure, places, colours, kept = 0, [], [], True
    for texel, point, normal in samples(bpy.data.objects["Suzanne"]):
        if shared[texel]:
            continue  # it is painted as the best seen of its places
        way = towards(region_3d, point)
        place = location_3d_to_region_2d(region, region_3d, point)
        inside = place is not None and min(*place, region.width - place.x, region.height - place.y) > 0
        well = way.dot(normal)
        hit, spot, *_ = bpy.context.scene.ray_cast(bpy.context.evaluated_depsgraph_get(), point + way * 1e-3, way)
        if well < 0 or not inside or (hit and well > 0.3 and (spot - point).length > 0.4):
            sure += 1
            kept = kept and bool((after[texel] == before[texel]).all())
        elif well > 0.5 and not hit:
            places.append((place.x / region.width * picture.shape[1], place.y / region.height * picture.shape[0]))
            colours.append(after[texel][:3])
    places, colours = np.array(places), np.array(colours)
    framed = np.minimum(places, (picture.shape[1], picture.shape[0]) - places).min(axis=1) > 10
    places, colours = places[framed], colours[framed]
    off = np.abs(sampled(picture, places) - colours).max(axis=1)
    cells = misplaced(picture, places, colours)
    return {
        "unseen": sure,
        "shared": int(shared.sum()),
        "kept": kept,
        "seen": len(places),
        "difference": float(np.median(off)),
        "cells": len(cells),
        "worst_pixels": max(cells, default=99.0),
    }


def towards(region_3d, point):
    """Unit vector from a point to the eye, by the matrix that Blender draws with."""
    back = region_3d.view_matrix.inverted()
    if region_3d.is_perspective:
        return (back.translation - point).normalized()
    return back.col[2].xyz.normalized()


def samples(target):
    """A texel for every face, if one's centre lies in it: its index, point of the world, and the face's normal."""
    mesh = target.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    layer, world = mesh.uv_layers.active.data, target.matrix_world
    turn = world.to_3x3().inverted().transposed()
    for polygon in mesh.polygons:
        uvs = [Vector((*layer[loop].uv, 0)) for loop in polygon.loop_indices][:3]
        points = [world @ mesh.vertices[index].co for index in polygon.vertices][:3]
        middle = sum(uvs, Vector((0, 0, 0))) / 3
        row, column = math.floor(middle.y * SIDE), math.floor(middle.x * SIDE)
        centre = Vector(((column + 0.5) / SIDE, (row + 0.5) / SIDE, 0))
        share = barycentric_transform(centre, *uvs, Vector((0, 0, 0)), Vector((1, 0, 0)), Vector((0, 1, 0)))
        if min(share.x, share.y, 1 - share.x - share.y) > 0.02:
            point = barycentric_transform(centre, *uvs, *points)
            yield (row, column), point, (turn @ polygon.normal).normalized()


def sampled(picture, places):
    """Colours at pixels, in between linearly; the first pixel's centre is at 0.5."""
    x, y = places[:, 0] - 0.5, places[:, 1] - 0.5
    left = np.clip(np.floor(x).astype(int), 0, picture.shape[1] - 2)
    low = np.clip(np.floor(y).astype(int), 0, picture.shape[0] - 2)
    right, high = (x - left)[:, None], (y - low)[:, None]
    lower = picture[low, left] * (1 - right) + picture[low, left + 1] * right
    upper = picture[low + 1, left] * (1 - right) + picture[low + 1, left + 1] * right
    return lower * (1 - high) + upper * high


def misplaced(picture, places, colours):
    """For every part of the picture with some detail: how far it must be moved to fit its texels best, pixels."""
    found = []
    number = (places // CELL).astype(int) @ (1, 1000)
    for cell in np.unique(number):
        mine = number == cell
        if mine.sum() < SAMPLES or colours[mine].std(axis=0).max() < 4:
            continue
        errors = [
            (np.abs(sampled(picture, places[mine] + (right, up)) - colours[mine]).mean(), math.hypot(right, up))
            for right in SHIFTS
            for up in SHIFTS
        ]
        found.append(float(min(errors)[1]))
    return found
