"""Scenes: what nobody foresaw breaks something. No daemon: events are put into the inbox as the worker would."""

import importlib

import bpy


def part(addon, name):
    """A module of the add-on."""
    return importlib.import_module(f"{addon.__name__}.{name}")


def without_a_daemon(addon):
    """The session, and the ids of jobs that it would have sent."""
    session, sent = addon.session.current(), []
    session.open = lambda: None
    session.connection.submit = lambda job_id, make_task: sent.append(job_id)
    session.connection.in_background = lambda action, callback, job_id="": session.connection.inbox.put(
        part(addon, "connection")._answer(callback, action, job_id)
    )
    bpy.context.scene.latent_bridge.prompt = "moss"
    return session, sent


def arrive(addon, session, job_id, side=16, files=None):
    """The one picture of a job, and its end."""
    connection, jobs = part(addon, "connection"), part(addon, "jobs")
    variant = jobs.Variant(0, side, side, files or file_of(addon, side), 7, {"task": "x"})
    session.connection.inbox.put(connection.VariantReady(job_id, variant))
    finished = part(addon, "vendored").messages.JobFinished(job_id=job_id, seq=9)
    session.connection.inbox.put(connection.JobHappened(job_id, finished))


def file_of(addon, side):
    """A PNG of one colour."""
    pixels = part(addon, "vendored").pixels
    picture = pixels.Picture(side, side, pixels.PixelFormat.RGBA8, bytes((9, 99, 199, 255)) * side * side)
    return part(addon, "pictures").png(picture)


def state(session):
    """How the newest job stands."""
    job = list(session.jobs.values())[-1]
    return {"phase": job.phase.value, "error": job.error, "busy": session.busy}


def no_map_is_ticked(addon):
    """With Every Texture, and not one kind."""
    session, sent = without_a_daemon(addon)
    fields = bpy.context.scene.latent_bridge_maps
    fields.with_textures = True
    for kind in ("normal", "roughness", "height", "occlusion", "metallic"):
        setattr(fields, kind, False)
    bpy.ops.latent_bridge.texture()
    arrive(addon, session, sent[-1])
    pause = part(addon, "ticking").tick()
    return {**state(session), "ticks": pause > 0, "jobs": len(sent)}


def delivery_breaks(addon):
    """Whatever a result meets in Blender: it stays to be chosen, and the add-on goes on."""
    session, sent = without_a_daemon(addon)
    delivery = part(addon, "delivery")
    texture = delivery.texture

    def broken(job, variant):
        raise KeyError("a socket")

    delivery.texture = broken
    bpy.ops.latent_bridge.texture()
    first = sent[-1]
    arrive(addon, session, first)
    part(addon, "ticking").tick()
    found = state(session)
    delivery.texture = texture
    bpy.ops.latent_bridge.use(job=first, index=0)
    found["used"] = session.jobs[first].applied
    session.connection.in_background(lambda: None, lambda value, error: 1 / 0)
    part(addon, "ticking").tick()
    found["message"] = session.message
    bpy.ops.latent_bridge.texture()
    arrive(addon, session, sent[-1])
    part(addon, "ticking").tick()
    return {**found, "next": state(session)["phase"]}


def maps_of_a_group(addon):
    """A material whose shader is a group with a base colour and nothing else."""
    wiring = part(addon, "maps.wiring")
    material = bpy.context.object.active_material
    tree, group = material.node_tree, bpy.data.node_groups.new("Own shader", "ShaderNodeTree")
    if hasattr(group, "interface"):
        group.interface.new_socket("Base Color", in_out="INPUT", socket_type="NodeSocketColor")
        group.interface.new_socket("BSDF", in_out="OUTPUT", socket_type="NodeSocketShader")
    else:
        group.inputs.new("NodeSocketColor", "Base Color")
        group.outputs.new("NodeSocketShader", "BSDF")
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = group
    tree.links.new(node.outputs[0], tree.get_output_node("ALL").inputs["Surface"])
    base = tree.nodes.new("ShaderNodeTexImage")
    base.image = bpy.data.images.new("base", 8, 8)
    tree.links.new(base.outputs[0], node.inputs["Base Color"])
    maps = {kind: bpy.data.images.new(kind, 8, 8) for kind in ("normal", "roughness", "metallic", "occlusion")}
    return sorted(wiring.wire(material, base, maps, wiring.Wishes(False, True, 0.02)))


def icons(addon):
    """Icons of a job: made once, and freed once the job is dismissed."""
    session, sent = without_a_daemon(addon)
    thumbnails, pixels = part(addon, "panels.thumbnails"), part(addon, "vendored").pixels
    bpy.ops.latent_bridge.texture()
    arrive(addon, session, sent[-1])
    session.drain()
    picture = pixels.Picture(8, 8, pixels.PixelFormat.RGB8, bytes(range(192)))
    first = thumbnails.icon(sent[-1], "preview", picture)
    same = thumbnails.icon(sent[-1], "preview", picture) == first
    thumbnails.sweep()
    kept = len(thumbnails._Icons.collection)
    bpy.ops.latent_bridge.dismiss(job=sent[-1])
    thumbnails.sweep()
    return {"same": same, "kept": kept, "left": len(thumbnails._Icons.collection) + len(thumbnails._Icons.shown)}


def many_jobs(addon):
    """More jobs than are listed, the first one a projection that can go on."""
    session, sent = without_a_daemon(addon)
    for number in range(25):
        bpy.ops.latent_bridge.texture()
        phase = part(addon, "jobs").Phase.CANCELLED
        session.described(sent[-1], "over", phase=phase, resumable=number == 0)
    return {"first": sent[0] in session.jobs, "second": sent[1] in session.jobs, "listed": len(session.jobs)}
