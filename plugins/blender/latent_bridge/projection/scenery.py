# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes as they are rendered, the textures they wear, and the views, read out of Blender. Main thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix

from .. import images, materials
from ..vendored import errors
from .cameras import bridge_cameras
from .keeping import Wearer
from .surface import OCCLUDER, Shown, Surface
from .views import View

SOLID = {"MESH", "CURVE", "SURFACE", "FONT", "META"}
UV_LAYER = "Bridge UV"
MULTIPLE = 8
INSTANCED = 4_000_000
"""Triangles of instances that are taken at most: a forest may have more than memory holds, and only hides."""


@dataclass(frozen=True)
class Worn:
    """What a material slot shows: the image, None for a new one, and its UV layer."""

    image: bpy.types.Image | None
    uv: str


def targets_of(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The selected meshes.

    Raises:
        BridgeError: `invalid_field` when there is none.
    """
    chosen = [each for each in context.view_layer.objects.selected if each.type == "MESH" and each.visible_get()]
    chosen = [each for each in chosen if each.data.polygons]
    if not chosen:
        raise _told("No mesh is selected.", "Select what shall be painted.")
    return chosen


def unwrap(context: bpy.types.Context, target: bpy.types.Object) -> bool:
    """Give a mesh without UVs a layer of them, by smart projection; returns whether it had none."""
    target.update_from_editmode()
    if target.data.uv_layers:
        return False
    layers = context.view_layer.objects
    active, selected = layers.active, list(layers.selected)
    if active is not None and active.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    for each in selected:
        each.select_set(False)
    target.select_set(True)
    layers.active = target
    target.data.uv_layers.new(name=UV_LAYER)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.uv.smart_project(island_margin=0.005)
    bpy.ops.object.mode_set(mode="OBJECT")
    for each in selected:
        each.select_set(True)
    layers.active = active
    return True


def take_back(unwrapped: Sequence[str]) -> None:
    """Remove the UVs that `unwrap` made, from objects by their names: nothing came of them."""
    for name in unwrapped:
        target = bpy.data.objects.get(name)
        if target is not None and target.type == "MESH" and target.mode == "OBJECT":
            layer = target.data.uv_layers.get(UV_LAYER)
            if layer is not None:
                target.data.uv_layers.remove(layer)


def gather(
    context: bpy.types.Context, targets: list[bpy.types.Object], side: int, source: str = "camera"
) -> tuple[Surface, list[Shown], list[Wearer]]:
    """Everything visible as triangles; those of the targets with their textures.

    Args:
        context: Blender's.
        targets: what shall be painted; each has UVs.
        side: of new textures, pixels.
        source: see `views_of`; the current view shows what its 3D View does, in Local View too.

    Raises:
        BridgeError: `invalid_field` for textures that cannot be painted.
    """
    viewport = _view_area(context).spaces.active if source == "view" else None
    textures: list[Shown] = []
    wearers: list[Wearer] = []
    places: dict[str, int] = {}
    parts = []
    depsgraph = context.evaluated_depsgraph_get()
    for each in context.view_layer.objects:
        if not _is_solid(each, viewport) or (each.is_instancer and not each.show_instancer_for_viewport):
            continue
        worn: dict[int, Worn] = {}
        numbers: dict[int, int] = {}
        if each in targets:
            for slot in range(max(1, len(each.material_slots))):
                worn[slot] = _worn(each, slot)
                numbers[slot] = _place(each, slot, worn[slot], places, textures, wearers, side)
        part = _triangles(each.evaluated_get(depsgraph), each.matrix_world, worn, numbers)
        if part is not None:
            parts.append(part)
    parts += _instances(depsgraph, viewport)
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Surface(*joined), textures, wearers


def _is_solid(each: bpy.types.Object, viewport: bpy.types.SpaceView3D | None) -> bool:
    shown = each.visible_get(viewport=viewport) if viewport is not None else each.visible_get()
    return shown and each.type in SOLID and each.display_type not in {"BOUNDS", "WIRE"}


def _instances(depsgraph: bpy.types.Depsgraph, viewport: bpy.types.SpaceView3D | None) -> list[tuple[np.ndarray, ...]]:
    """What collections, particles and geometry nodes repeat: it hides, and is not painted."""
    parts, left = [], INSTANCED
    for each in depsgraph.object_instances:
        if not each.is_instance or not each.show_self or each.object.type not in SOLID:
            continue
        owner = each.parent.original if each.parent is not None else None
        if owner is not None and viewport is not None and not owner.visible_get(viewport=viewport):
            continue
        part = _triangles(each.object, each.matrix_world, {}, {})
        if part is not None and len(part[0]) <= left:
            left -= len(part[0])
            parts.append(part)
    return parts


def _place(
    target: bpy.types.Object,
    slot: int,
    worn: Worn,
    places: dict[str, int],
    textures: list[Shown],
    wearers: list[Wearer],
    side: int,
) -> int:
    """The number of the texture for a slot; users of one image or one material share it."""
    material = target.material_slots[slot].material if slot < len(target.material_slots) else None
    key = f"image {worn.image.name}" if worn.image else f"material {material.name}" if material else target.name
    if key not in places:
        places[key] = len(textures)
        textures.append(_shown(worn.image, side))
        wearers.append(Wearer(worn.image.name if worn.image else "", ()))
    number = places[key]
    wearers[number] = Wearer(wearers[number].image, (*wearers[number].slots, (target.name, slot)))
    return number


def _shown(image: bpy.types.Image | None, side: int) -> Shown:
    if image is None:
        return Shown("", side)
    held = images.read(image)
    if held.linear:
        raise _told(f"“{image.name}” holds floats.", "Projection paints images of 8 bits: make it one of those.")
    return Shown(image.name, side, held)


def _worn(target: bpy.types.Object, slot: int) -> Worn:
    layers = target.data.uv_layers
    standard = next((layer.name for layer in layers if layer.active_render), layers[0].name)
    material = target.material_slots[slot].material if slot < len(target.material_slots) else None
    node = materials.base_colour_image(material) if material is not None else None
    if node is None:
        return Worn(None, standard)
    links = node.inputs["Vector"].links
    if not links:
        return Worn(node.image, standard)
    source = links[0].from_node
    if source.type == "UVMAP":
        return Worn(node.image, source.uv_map if source.uv_map in layers else standard)
    if source.type == "TEX_COORD" and links[0].from_socket.name == "UV":
        return Worn(node.image, standard)
    raise _told(
        f"“{node.image.name}” is not placed by a UV map alone.",
        "Remove the Mapping node before its texture node, or bake the texture first.",
    )


def _triangles(
    evaluated: bpy.types.Object, place: Matrix, worn: dict[int, Worn], numbers: dict[int, int]
) -> tuple[np.ndarray, ...] | None:
    """The columns of a `Surface` for an object with its modifiers, at its place in the world."""
    try:
        mesh = evaluated.to_mesh()
    except RuntimeError:
        return None  # nothing of it is solid, such as a curve without a bevel
    try:
        mesh.calc_loop_triangles()
        count = len(mesh.loop_triangles)
        if not count:
            return None
        vertices = _column(mesh.loop_triangles, "vertices", count * 3, np.int32)
        loops = _column(mesh.loop_triangles, "loops", count * 3, np.int32)
        slots = _column(mesh.loop_triangles, "material_index", count, np.int32)
        points = _column(mesh.vertices, "co", len(mesh.vertices) * 3, np.float32).reshape(-1, 3).astype(np.float64)
        matrix = np.array(place)
        points = points @ matrix[:3, :3].T + matrix[:3, 3]
        uvs, texture = np.zeros((count, 3, 2)), np.full(count, OCCLUDER)
        for slot, shown in worn.items():
            layer = mesh.uv_layers.get(shown.uv)
            mine = np.clip(slots, 0, max(worn)) == slot
            if layer is None or not mine.any():
                continue
            values = _column(layer.data, "uv", len(mesh.loops) * 2, np.float32).reshape(-1, 2)
            uvs[mine] = values[loops.reshape(-1, 3)[mine]]
            texture[mine] = numbers[slot]
        flipped = np.full(count, np.linalg.det(matrix[:3, :3]) < 0)
        shading = _corner_normals(mesh)[loops].reshape(-1, 3, 3) @ np.linalg.pinv(matrix[:3, :3])
        shading /= np.maximum(np.linalg.norm(shading, axis=2, keepdims=True), 1e-20)
        return points[vertices].reshape(-1, 3, 3), uvs, texture, flipped, shading
    finally:
        evaluated.to_mesh_clear()


def _corner_normals(mesh: bpy.types.Mesh) -> np.ndarray:
    """(L, 3), as the mesh is shaded: those of faces, or smooth ones, or somebody's own."""
    size = len(mesh.loops) * 3
    if bpy.app.version >= (4, 1, 0):
        return _column(mesh.corner_normals, "vector", size, np.float32).reshape(-1, 3).astype(np.float64)
    mesh.calc_normals_split()
    return _column(mesh.loops, "normal", size, np.float32).reshape(-1, 3).astype(np.float64)


def _column(collection: bpy.types.bpy_prop_collection, name: str, size: int, kind: type) -> np.ndarray:
    values = np.empty(size, dtype=kind)
    collection.foreach_get(name, values)
    return values


def views_of(context: bpy.types.Context, source: str, side: int) -> list[View]:
    """The views to paint from.

    Args:
        context: Blender's.
        source: `camera`, `view` or `cameras`.
        side: the longer one of their pictures, pixels.

    Raises:
        BridgeError: `invalid_field` when there is none.
    """
    if source == "view":
        return [_viewport(context, side)]
    if source == "cameras":
        cameras = bridge_cameras()
        if not cameras:
            raise _told("There are no cameras around the objects.", "Press “Add Cameras” first.")
    else:
        cameras = [context.scene.camera] if context.scene.camera is not None else []
        if not cameras:
            raise _told("The scene has no camera.", "Add one, or project from the current view.")
    return [_camera(context, camera, side) for camera in cameras]


def _camera(context: bpy.types.Context, camera: bpy.types.Object, side: int) -> View:
    render = context.scene.render
    aspect = render.resolution_x * render.pixel_aspect_x / (render.resolution_y * render.pixel_aspect_y)
    width, height = _sides(aspect, side)
    depsgraph = context.evaluated_depsgraph_get()
    to_view = np.array(camera.matrix_world.normalized().inverted())
    return View(camera.name, to_view, np.array(camera.calc_matrix_camera(depsgraph, x=width, y=height)), width, height)


def _view_area(context: bpy.types.Context) -> bpy.types.Area:
    """The 3D View that the button was pressed in, else the first one."""
    areas = [area for window in context.window_manager.windows for area in window.screen.areas]
    area = next((area for area in [context.area, *areas] if area is not None and area.type == "VIEW_3D"), None)
    if area is None:
        raise _told("There is no 3D View.", "Open one, or project from the camera.")
    return area


def _viewport(context: bpy.types.Context, side: int) -> View:
    area = _view_area(context)
    region = next(region for region in area.regions if region.type == "WINDOW")
    seen = area.spaces.active.region_3d
    width, height = _sides(max(region.width, 1) / max(region.height, 1), side)
    return View("View", np.array(seen.view_matrix), np.array(seen.window_matrix), width, height)


def _sides(aspect: float, side: int) -> tuple[int, int]:
    """Width and height in steps of `MULTIPLE`, the longer one as wished."""
    wanted = (side, side / aspect) if aspect >= 1 else (side * aspect, side)
    width, height = (max(64, round(each / MULTIPLE) * MULTIPLE) for each in wanted)
    return width, height


def _told(message: str, hint: str) -> errors.BridgeError:
    return errors.BridgeError(errors.ErrorCode.INVALID_FIELD, message, hint=hint)
