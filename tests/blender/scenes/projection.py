"""Scenes: pictures projected onto meshes."""

import importlib
import math
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector
from mathutils.geometry import barycentric_transform


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


def rendered(addon, folder):
    """Suzanne in Cycles, before and after four views."""
    suzanne()
    fill(source="cameras", count=4, texture_side="1024", picture_side="256")
    bpy.context.scene.latent_bridge.steps = 6
    bpy.ops.latent_bridge.add_cameras()
    render(Path(folder) / "projection-before.png")
    jobs = project(addon)
    render(Path(folder) / "projection-front.png")
    return {"part": jobs[-1].part, "changed": difference(Path(folder))}


def difference(folder):
    """Mean difference of the two pictures, 0 to 255."""
    pair = [bpy.data.images.load(str(folder / f"projection-{name}.png")) for name in ("before", "front")]
    return float(np.abs(values(pair[0]) - values(pair[1])).mean())


def suzanne():
    """Suzanne with two levels of subdivision and UVs by smart projection, instead of the cube."""
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.ops.mesh.primitive_monkey_add(size=3)
    target = bpy.context.object
    while target.data.uv_layers:
        target.data.uv_layers.remove(target.data.uv_layers[0])
    subdivision = target.modifiers.new("smooth", "SUBSURF")
    subdivision.levels = subdivision.render_levels = 2
    return target


def render(path):
    """A small picture in Cycles."""
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 16, "CPU"
    scene.cycles.use_denoising = False  # Debian builds Blender without the denoiser
    scene.render.resolution_x = scene.render.resolution_y = 384
    scene.render.resolution_percentage = 100
    scene.world.color = (0.6, 0.6, 0.6)
    light = bpy.data.objects["Light"]
    light.data.energy = 900
    scene.camera.location = (0, -6, 1.5)
    scene.camera.rotation_euler = (Vector((0, 0, 0)) - scene.camera.location).to_track_quat("-Z", "Y").to_euler()
    light.location = (2, -5, 4)
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def part(addon, name):
    """A module of the projection."""
    return importlib.import_module(f"{addon.__name__}.projection.{name}")


def course(addon, targets, side):
    """What the button gathers: surface, textures and views, as the panel says."""
    scenery = part(addon, "scenery")
    for target in targets:
        scenery.unwrap(bpy.context, target)
    source = bpy.context.scene.latent_bridge_projection.source
    views = scenery.views_of(bpy.context, source, side)
    surface, shown, _ = scenery.gather(bpy.context, targets, 1024)
    return surface, [each.texture() for each in shown], views


def ramps(view):
    """A picture whose red is the column and whose green the row of each pixel, 0 to 255."""
    row, column = np.mgrid[: view.height, : view.width] + 0.5
    return np.dstack([column / view.width, row / view.height, np.zeros_like(row)]) * 255


def projection_error(addon):
    """Rays of Blender through pixels of the camera: what they find on the texture, in pixels beside where they began.

    The mesh has a modifier, the object is turned and stretched, the camera is shifted, and the picture is not square.
    """
    fill(source="camera")
    target = suzanne()
    target.rotation_euler, target.scale = (0.3, 0.2, 0.7), (1.2, 0.8, -1.0)
    camera, render = bpy.context.scene.camera, bpy.context.scene.render
    camera.data.shift_x, camera.data.shift_y = 0.07, -0.04
    render.resolution_x, render.resolution_y, render.pixel_aspect_x = 640, 480, 1.2
    bpy.context.view_layer.update()
    surface, (texture,), (view,) = course(addon, [target], 512)
    surface_part, painting, raster = (part(addon, name) for name in ("surface", "painting", "raster"))
    texels = surface_part.texels_of(surface, 0, texture)
    painting.paint(view, raster.see(view, surface.corners), texels, texture, ramps(view))
    errors = [error for error in ray_errors(target, camera, view, texture) if error is not None]
    return {"rays": len(errors), "median": float(np.median(errors)), "worst": max(errors)}


def ray_errors(target, camera, view, texture):
    """Distance in pixels between a ray and what the texture shows where it ends; None beside what was painted."""
    scene, depsgraph = bpy.context.scene, bpy.context.evaluated_depsgraph_get()
    frame = [camera.matrix_world @ corner for corner in camera.data.view_frame(scene=scene)]
    right_top, _, left_bottom, left_top = frame
    mesh = target.evaluated_get(depsgraph).data
    eye = camera.matrix_world.translation
    for row in range(5, view.height, 5):
        for column in range(5, view.width, 5):
            x, y = (column + 0.5) / view.width, (row + 0.5) / view.height
            aim = left_bottom + (right_top - left_top) * x + (left_top - left_bottom) * y
            hit, place, _, index, found, _ = scene.ray_cast(depsgraph, eye, (aim - eye).normalized())
            if hit and found.name == target.name:
                yield ray_error(mesh, index, target.matrix_world.inverted() @ place, texture, view, (x, y))


def ray_error(mesh, face, place, texture, view, wanted):
    """One of them: the texture is looked up by Blender's own interpolation of the face's UVs."""
    polygon, layer = mesh.polygons[face], mesh.uv_layers.active.data
    for second in range(1, polygon.loop_total - 1):
        loops = [polygon.loop_indices[corner] for corner in (0, second, second + 1)]
        points = [mesh.vertices[mesh.loops[loop].vertex_index].co for loop in loops]
        uvs = [Vector((*layer[loop].uv, 0)) for loop in loops]
        uv = barycentric_transform(place, *points, *uvs)
        inside = barycentric_transform(place, *points, Vector((0, 0, 0)), Vector((1, 0, 0)), Vector((0, 1, 0)))
        if min(inside.x, inside.y, 1 - inside.x - inside.y) < 0:
            continue
        height, width = texture.known.shape
        x, y = uv.x * width - 0.5, uv.y * height - 0.5
        left, low = int(np.floor(x)), int(np.floor(y))
        if not texture.weight[low : low + 2, left : left + 2].all():
            return None
        right, high = x - left, y - low
        four = texture.pixels[low : low + 2, left : left + 2, :2] / 255 * (view.width, view.height)
        found = (four[0, 0] * (1 - right) + four[0, 1] * right) * (1 - high)
        found += (four[1, 0] * (1 - right) + four[1, 1] * right) * high
        return float(np.linalg.norm(found - np.multiply(wanted, (view.width, view.height))))
    return None


def shading(addon):
    """Degrees between the normals that guide and those of a turned, mirrored ellipsoid, by its faces and smooth."""
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.ops.mesh.primitive_uv_sphere_add(segments=24, ring_count=12, radius=1.5)
    target = bpy.context.object
    target.rotation_euler, target.scale = (0.3, 0.2, 0.7), (1.2, 0.8, -1.0)
    found = {}
    for name, smooth in (("flat", False), ("smooth", True)):
        target.data.polygons.foreach_set("use_smooth", [smooth] * len(target.data.polygons))
        target.data.update()
        bpy.context.view_layer.update()
        surface, _, (view,) = course(addon, [target], 1024)
        seen = part(addon, "raster").see(view, surface.corners)
        covered = seen.triangle >= 0
        turn = np.array(target.matrix_world)[:3, :3]
        place = np.einsum("nk,nkc->nc", seen.share[covered], surface.corners[seen.triangle[covered]])
        true = (place - np.array(target.matrix_world.translation)) @ np.linalg.inv(turn).T @ np.linalg.inv(turn)
        true = true / np.linalg.norm(true, axis=1, keepdims=True) @ view.to_view[:3, :3].T
        shown = part(addon, "guides").normals_seen(view, seen, surface)[covered]
        apart = np.degrees(np.arccos(np.clip(np.einsum("nc,nc->n", shown, true), -1, 1)))
        found[name] = {"pixels": int(covered.sum()), "median": float(np.median(apart)), "worst": float(apart.max())}
    return found


def coverage(addon, arrangement, count):
    """How many of the texels on Suzanne some view saw, and how many more than one."""
    target = suzanne()
    fill(source="cameras", count=int(count), arrangement=arrangement)
    bpy.ops.latent_bridge.add_cameras()
    surface, (texture,), views = course(addon, [target], 512)
    painting, raster, surfaces = (part(addon, name) for name in ("painting", "raster", "surface"))
    texels = surfaces.texels_of(surface, 0, texture)
    times = np.zeros(texture.known.size, np.int64)
    for view in views:
        texture.changed[:] = False
        painting.paint(view, raster.see(view, surface.corners), texels, texture, ramps(view))
        times += texture.changed.reshape(-1)
    seen = times[texels.index]
    unseen = texture.weight.reshape(-1)[texels.index] == 0
    texture.changed |= texture.weight > 0
    painting.finish(texture, texels, 8, True)
    return {
        "views": len(views),
        "covered": float((seen > 0).mean()),
        "overlap": float((seen > 1).mean()),
        "agrees": bool(((seen == 0) == unseen).all()),
        "nothing_left": bool(texture.changed.all()),
    }


def seams(addon):
    """Colours on both sides of the edges where UV islands end, after pictures that agree about the world."""
    target = suzanne()
    fill(source="cameras", count=8, arrangement="sphere")
    bpy.ops.latent_bridge.add_cameras()
    surface, (texture,), views = course(addon, [target], 512)
    painting, raster, surfaces = (part(addon, name) for name in ("painting", "raster", "surface"))
    texels = surfaces.texels_of(surface, 0, texture)
    for view in views:
        seen = raster.see(view, surface.corners)
        world = np.einsum("rck,rckx->rcx", seen.share, surface.corners[seen.triangle])
        painting.paint(view, seen, texels, texture, 127.5 + 100 * np.sin(3 * world))
    painting.finish(texture, texels, 8, True)
    return jumps(target, texture, part(addon, "filling").sampled)


def jumps(target, texture, sampled):
    """Differences, 0 to 255, across seams whose both sides were seen."""
    mesh = target.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    layer, sides = mesh.uv_layers.active.data, {}
    for polygon in mesh.polygons:
        loops = list(polygon.loop_indices)
        for first, second in zip(loops, [*loops[1:], loops[0]], strict=True):
            ends = sorted((mesh.loops[loop].vertex_index, tuple(layer[loop].uv)) for loop in (first, second))
            sides.setdefault((ends[0][0], ends[1][0]), []).append([ends[0][1], ends[1][1]])
    pairs = np.array([uvs for uvs in sides.values() if len(uvs) == 2])
    height, width = texture.known.shape
    middles = pairs.mean(axis=2) * (width, height)
    both = []
    for side in (0, 1):
        x, y = middles[:, side].T
        both.append((sampled(texture.pixels[..., :3], x, y), sampled(texture.weight[..., None] > 0, x, y)[:, 0]))
    seam = (np.abs(pairs[:, 0] - pairs[:, 1]).max(axis=(1, 2)) > 1e-4) & (both[0][1] > 0.4) & (both[1][1] > 0.4)
    found = np.abs(both[0][0] - both[1][0]).max(axis=1)[seam]
    return {"edges": len(found), "median": float(np.median(found)), "p99": float(np.percentile(found, 99))}


def what_is_not_seen_stays(addon):
    """A painted cube before a painted wall: unseen texels keep their bits, and undo brings all of them back."""
    cube = bpy.context.object
    image = painted_image()
    bpy.ops.mesh.primitive_plane_add(size=8, location=(-3, 3, 0), rotation=(math.pi / 2, 0, math.pi / 4))
    wall = bpy.context.object
    wall.data.materials.append(bpy.data.materials.new("wall"))
    wall.active_material.use_nodes = True
    behind = painted_image(colour=(0.5, 0.5, 0.1, 1.0))
    cube.select_set(True)
    bpy.context.view_layer.update()
    bpy.ops.ed.undo_push(message="before")
    before = {each.name: values(each) for each in (image, behind)}
    fill(margin=2)
    project(addon)
    found = {"images": sorted(each.name for each in bpy.data.images if "prompt" in each)}
    for target, each in ((cube, image), (wall, behind)):
        same = (values(each) == before[each.name]).all(axis=-1)
        hidden, open_ = hidden_texels(target, each)
        found[target.name] = [bool(same[hidden].all()), int(hidden.sum()) > 500, float((~same[open_]).mean()) > 0.9]
    bpy.ops.ed.undo()
    found["undone"] = all((values(bpy.data.images[name]) == pixels).all() for name, pixels in before.items())
    return found


def hidden_texels(target, image):
    """Masks by Blender's own rays: the texels that the camera surely does not see, and those that it surely does.

    Both leave out what lies within some texels of the other, and of what belongs to no face.
    """
    scene, depsgraph = bpy.context.scene, bpy.context.evaluated_depsgraph_get()
    eye, side = scene.camera.matrix_world.translation, image.size[0]
    state = np.zeros((side, side), np.int8)
    mesh = target.data
    for polygon in mesh.polygons:
        uvs = [mesh.uv_layers.active.data[loop].uv for loop in polygon.loop_indices]
        points = [target.matrix_world @ mesh.vertices[index].co for index in polygon.vertices]
        low, high = ([fold(uv[axis] for uv in uvs) * side for axis in (0, 1)] for fold in (min, max))
        corners = [Vector((*uv, 0)) for uv in uvs[:3]]
        normal = target.matrix_world.to_3x3() @ polygon.normal
        for row in range(math.ceil(low[1]), math.floor(high[1])):
            for column in range(math.ceil(low[0]), math.floor(high[0])):
                uv = Vector(((column + 0.5) / side, (row + 0.5) / side, 0))
                place = barycentric_transform(uv, *corners, *points[:3])
                way = (eye - place).normalized()
                free = not scene.ray_cast(depsgraph, place + way * 1e-3, way)[0] and way.dot(normal) > 0.3
                x, y, _ = world_to_camera_view(scene, scene.camera, place)
                inside = 0.05 < x < 0.95 and 0.05 < y < 0.95
                state[row, column] = 1 if free and inside else 2 if way.dot(normal) < 0 or not free else 0
    return eroded(state == 2, 4), eroded(state == 1, 4)


def eroded(mask, steps):
    """What lies at least so many texels inside."""
    for _ in range(steps):
        padded = np.pad(mask, 1)
        mask = mask & padded[2:, 1:-1] & padded[:-2, 1:-1] & padded[1:-1, 2:] & padded[1:-1, :-2]
    return mask


def several_views(addon):
    """A sphere without UVs or a material: views one after another, one undo step."""
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.ops.mesh.primitive_uv_sphere_add(calc_uvs=False)
    target = bpy.context.object
    fill(source="cameras", count=3, picture_side="256")
    bpy.ops.latent_bridge.add_cameras()
    bpy.ops.ed.undo_push(message="before")
    jobs = project(addon)
    image = shown(target)
    result = {
        "entries": [[job.part, job.text, job.phase.value] for job in jobs],
        "layers": [layer.name for layer in target.data.uv_layers],
        "opaque": bool((values(image)[..., 3] == 255).all()),
    }
    bpy.ops.ed.undo()
    target = bpy.data.objects["Sphere"]
    return {**result, "undone": target.active_material is None and not target.data.uv_layers}


def cancelled(addon):
    """Cancel takes the view that runs; nothing was painted, so nothing has changed."""
    image = painted_image()
    before = values(image)
    fill(picture_side="512")
    bpy.context.scene.latent_bridge.steps = 100
    bpy.ops.latent_bridge.project()
    bpy.ops.latent_bridge.cancel()
    bpy.ops.latent_bridge.wait(timeout=60)
    job = list(addon.session.current().jobs.values())[-1]
    return {"phase": job.phase.value, "same": bool((values(image) == before).all())}


def cancelled_without_uvs(addon):
    """A mesh that had no UVs has none again when its only view was cancelled, or could not even be gathered."""
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.ops.mesh.primitive_uv_sphere_add(calc_uvs=False)
    layers = bpy.context.object.data.uv_layers
    fill(picture_side="512")
    bpy.context.scene.latent_bridge.steps = 100
    bpy.ops.latent_bridge.project()
    during = len(layers)
    bpy.ops.latent_bridge.cancel()
    bpy.ops.latent_bridge.wait(timeout=60)
    return [during, len(layers)]


def who_hides(addon):
    """Triangles of the cube, an instance of a plane before it, and another cube that Local View hides."""
    cube = bpy.context.object
    bpy.ops.mesh.primitive_plane_add()
    plane = bpy.context.object
    within = bpy.data.collections.new("repeated")
    plane.users_collection[0].objects.unlink(plane)
    within.objects.link(plane)  # in no scene: it is seen only where it is repeated
    for x in (3.0, 5.0):
        empty = bpy.data.objects.new("repeats", None)
        empty.instance_type, empty.instance_collection, empty.location = "COLLECTION", within, (x, 0, 0)
        bpy.context.scene.collection.objects.link(empty)
    bpy.context.view_layer.objects.active = cube
    cube.select_set(True)
    bpy.context.view_layer.update()
    surface, _, _ = course(addon, [cube], 128)
    repeated = surface.corners[surface.texture < 0][..., 0]
    found = {"triangles": len(surface.corners), "places": sorted({round(float(x)) for x in repeated.mean(axis=1)})}
    area = next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area, region=region):
        bpy.ops.view3d.localview()
        local, _, _ = part(addon, "scenery").gather(bpy.context, [cube], 128, "view")
    return {**found, "local": len(local.corners)}


def nothing_to_do(addon):
    """What is said when there is nothing to project onto or from."""
    fill(source="cameras")
    found = [list(bpy.ops.latent_bridge.project())]
    fill(source="camera")
    bpy.context.object.select_set(False)
    found.append(list(bpy.ops.latent_bridge.project()))
    return found


def overlapping(addon):
    """Two cubes with one material and the same UVs, of which one is turned: both show what one of them was painted."""
    first = bpy.context.object
    bpy.ops.mesh.primitive_cube_add(location=(-2.5, 2.5, 0), rotation=(0, 0, 0.4))
    second = bpy.context.object
    second.data.materials.append(first.active_material)
    first.select_set(True)
    bpy.context.view_layer.update()
    fill()
    job = project(addon)[-1]
    same = shown(first) == shown(second)
    return {"text": job.text, "hint": job.hint, "same": same and first.active_material == second.active_material}
