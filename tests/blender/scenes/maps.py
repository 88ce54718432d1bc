"""Scenes: the maps of a material."""

import array
import time

import bpy
from scenes.textures import fill, jobs, wait

KINDS = ("normal", "roughness", "height", "occlusion", "metallic")


def textured(**fields):
    """The default cube with a generated texture; returns object and image."""
    target = bpy.context.object
    fill(**fields)
    bpy.ops.latent_bridge.texture()
    wait()
    return target, target.active_material.node_tree.nodes.active.image


def make(**fields):
    """Press the button."""
    settings = bpy.context.scene.latent_bridge_maps
    for name, value in fields.items():
        setattr(settings, name, value)
    assert bpy.ops.latent_bridge.surface_maps() == {"FINISHED"}
    wait()


def shader_of(target):
    """The shader of the active material."""
    return next(node for node in target.active_material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")


def source(socket):
    """Label of the node that is wired to a socket."""
    return socket.links[0].from_node.label if socket.is_linked else ""


def map_nodes(target):
    """Our texture nodes, by kind."""
    nodes = target.active_material.node_tree.nodes
    return {kind: node for kind in KINDS for node in nodes if node.label == f"Bridge {kind}"}


def the_whole_set(addon):
    """Every map, wired; made a second time, and described."""
    target, base = textured()
    make(metallic=True, displace=True, darken=True)
    tree, shader = target.active_material.node_tree, shader_of(target)
    count = len(tree.nodes)
    first = {kind: node.image.name for kind, node in map_nodes(target).items()}
    make(relief=8)
    job = jobs(addon)[-1]
    output = tree.get_output_node("ALL")
    return {
        "error": job.error,
        "colour_spaces": sorted({node.image.colorspace_settings.name for node in map_nodes(target).values()}),
        "sizes": sorted({tuple(node.image.size) for node in map_nodes(target).values()}),
        "packed": all(node.image.packed_file for node in map_nodes(target).values()),
        "wired": {name: source(shader.inputs[name]) for name in ("Base Color", "Roughness", "Metallic", "Normal")}
        | {"Displacement": source(output.inputs["Displacement"])},
        "same_nodes": len(tree.nodes) == count,
        "same_images": {kind: node.image.name for kind, node in map_nodes(target).items()} == first,
        "base_is_active": tree.nodes.active.image == base,
        "names": sorted(first.values()),
    }


def values_arrive_as_they_are(addon, out):
    """Pixels of a picture and of its maps as Blender shows them, in files."""
    target = bpy.context.object
    image = bpy.data.images.new("waves", 64, 64)
    rows = [(x * 3 % 256, (x + y) * 2 % 256, y * 4 % 256, 255) for y in range(64) for x in range(64)]
    image.pixels.foreach_set(array.array("f", [value / 255 for row in rows for value in row]))
    bpy.context.scene.latent_bridge.seamless = "none"
    assert bpy.ops.latent_bridge.surface_maps(image="waves") == {"FINISHED"}
    wait()
    for kind in ("normal", "height", "roughness", "occlusion"):
        found = bpy.data.images[f"waves {kind}"]
        values = array.array("f", bytes(4 * 4 * 64 * 64))
        found.pixels.foreach_get(values)
        with open(f"{out}/{kind}", "wb") as file:
            values.tofile(file)
    return {"untouched": not map_nodes(target), "kept": bpy.data.images["waves normal"].use_fake_user}


def what_others_wired_stays(addon):
    """A roughness and a normal of somebody else's."""
    target, _ = textured()
    tree, shader = target.active_material.node_tree, shader_of(target)
    number, bump = tree.nodes.new("ShaderNodeValue"), tree.nodes.new("ShaderNodeBump")
    tree.links.new(number.outputs[0], shader.inputs["Roughness"])
    tree.links.new(bump.outputs["Normal"], shader.inputs["Normal"])
    make()
    return {
        "kept": [shader.inputs[name].links[0].from_node.name for name in ("Roughness", "Normal")],
        "told": jobs(addon)[-1].text,
        "there": sorted(map_nodes(target)),
    }


def without_normals_the_height_bumps(addon):
    """Height alone, and displacement left out."""
    target, _ = textured()
    make(normal=False, roughness=False, occlusion=False)
    output = target.active_material.node_tree.get_output_node("ALL")
    return [source(shader_of(target).inputs["Normal"]), output.inputs["Displacement"].is_linked]


def a_darkened_base_colour_takes_another_texture(addon):
    """The next texture goes where the first one was, below the occlusion."""
    target, _ = textured()
    make(darken=True)
    _, second = textured(prompt="grey stone")
    shader = shader_of(target)
    mix = shader.inputs["Base Color"].links[0].from_node
    darkened = [source(shader.inputs["Base Color"]), mix.inputs[6].links[0].from_node.image.name]
    make(darken=False)
    return [*darkened, mix.inputs[0].default_value, target.active_material.node_tree.nodes.active.image == second]


def with_every_texture(addon):
    """Generated together."""
    bpy.context.scene.latent_bridge_maps.with_textures = True
    target, _ = textured()
    wait()
    return sorted(map_nodes(target))


def one_undo_step(addon):
    """The maps go in one step, the texture stays."""
    textured()
    make()
    bpy.ops.ed.undo()
    return sorted(map_nodes(bpy.context.object)), source(shader_of(bpy.context.object).inputs["Normal"])


def refused(addon):
    """No map is chosen; there is no base colour."""
    settings = bpy.context.scene.latent_bridge_maps
    nothing = bpy.ops.latent_bridge.surface_maps()
    textured()
    for kind in KINDS:
        setattr(settings, kind, False)
    return [list(nothing), list(bpy.ops.latent_bridge.surface_maps())]


def rendered(addon, folder):
    """A textured sphere in Cycles: with the base colour alone, with its maps, and with displacement as well."""
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1.6, segments=192, ring_count=96)
    target = bpy.context.object
    for polygon in target.data.polygons:
        polygon.use_smooth = True
    fill(prompt="mossy cobblestone", width=256, height=256, steps=20)
    bpy.ops.latent_bridge.texture()
    wait()
    tree = target.active_material.node_tree
    mapping, place = tree.nodes.new("ShaderNodeMapping"), tree.nodes.new("ShaderNodeTexCoord")
    mapping.inputs["Scale"].default_value = (4, 2, 1)
    tree.links.new(place.outputs["UV"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], tree.nodes.active.inputs["Vector"])
    pictures = [picture(f"{folder}/maps-base-colour.png")]
    make(relief=6)
    pictures.append(picture(f"{folder}/maps-wired.png"))
    make(relief=6, displace=True)
    pictures.append(picture(f"{folder}/maps-displaced.png"))
    before, wired, displaced = pictures
    return [difference(before, wired), difference(wired, displaced)]


def picture(path):
    """A small picture in Cycles by a low light; returns its values."""
    scene, light = bpy.context.scene, bpy.data.objects["Light"]
    scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 16, "CPU"
    scene.cycles.use_denoising = False  # Debian builds Blender without the denoiser
    scene.render.resolution_x = scene.render.resolution_y = 320
    scene.world.color = (0.15, 0.15, 0.15)
    light.data.energy, light.location = 1500, (5, -2.5, 2.5)
    scene.camera.location, scene.camera.rotation_euler = (0, -6, 0), (1.5708, 0, 0)
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)
    shown = bpy.data.images.load(path)
    values = array.array("f", bytes(4 * 4 * 320 * 320))
    shown.pixels.foreach_get(values)
    return values


def difference(one, other):
    """Mean difference of two pictures."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def begin_and_die(addon, blend):
    """Ask for the maps of an image in a saved file, then end like a crash before any of them is here."""
    target = bpy.context.object
    image = bpy.data.images.new("bricks", 64, 64)
    image.pack()
    tree = target.active_material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    tree.links.new(node.outputs["Color"], shader_of(target).inputs["Base Color"])
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.latent_bridge.connect(wait=20)
    assert bpy.ops.latent_bridge.surface_maps() == {"FINISHED"}
    connection, job = addon.session.current().connection, jobs(addon)[-1]
    deadline = time.monotonic() + 30
    while job.id not in connection._jobs:  # sent; what comes back stays in the inbox, and dies with it
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [entry.target.goal.value for entry in addon.session.current().journal.entries.values()]


def take_up_again(addon, blend):
    """The next Blender: the maps reach the material that the job was begun for."""
    bpy.ops.wm.open_mainfile(filepath=blend)
    bpy.ops.latent_bridge.connect(wait=20)
    known = len(jobs(addon))
    wait()
    target = bpy.data.objects["Cube"]
    left = len(addon.session.current().journal.entries)
    wired = source(shader_of(target).inputs["Normal"])
    return {"known": known, "maps": sorted(map_nodes(target)), "normal": wired, "left": left}
