"""Scenes: switching off, loading files, quitting and starting again in the middle of it all."""

import os
import threading
import time

import bpy


def fill(prompt="mossy stones", **fields):
    """Set the panel's fields."""
    settings = bpy.context.scene.latent_bridge
    settings.prompt, settings.size, settings.width, settings.height = prompt, "custom", 128, 128
    settings.steps, settings.fixed_seed, settings.seed = 2, True, 7
    for name, value in fields.items():
        setattr(settings, name, value)


def jobs(addon):
    """The jobs as the panel knows them."""
    return list(addon.session.current().jobs.values())


def ours():
    """Threads of the add-on that are alive."""
    return sorted(thread.name for thread in threading.enumerate() if "bridge" in thread.name)


def off_and_on_while_connected(addon):
    """Switched off with a live connection and a running job, and on again, a few times; then it still works."""
    for _ in range(3):
        fill(steps=30)
        bpy.ops.latent_bridge.connect(wait=20)
        bpy.ops.latent_bridge.texture()
        began = time.monotonic()
        bpy.ops.preferences.addon_disable(module=addon.__name__)
        seconds = time.monotonic() - began
        assert not hasattr(bpy.types.Scene, "latent_bridge")
        bpy.ops.preferences.addon_enable(module=addon.__name__)
    import sys

    addon = sys.modules[addon.__name__]
    fill()
    bpy.ops.latent_bridge.texture()
    bpy.ops.latent_bridge.wait(timeout=60)
    time.sleep(0.5)
    return {"seconds": seconds, "phase": jobs(addon)[-1].phase.value, "threads": len(ours())}


def reload_scripts(addon):
    """What F8 does to an enabled add-on."""
    import sys

    bpy.ops.latent_bridge.connect(wait=20)
    bpy.ops.preferences.addon_disable(module=addon.__name__)
    for name in [name for name in sys.modules if name.startswith(addon.__name__)]:
        del sys.modules[name]
    bpy.ops.preferences.addon_enable(module=addon.__name__)
    return bpy.ops.latent_bridge.connect(wait=20) == {"FINISHED"}


def load_another_file(addon):
    """A file is loaded while a job runs: the result is offered, and used as a plain image."""
    fill()
    bpy.ops.latent_bridge.texture()
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(os.environ["TMPDIR"], "first.blend"))
    bpy.ops.wm.read_homefile(app_template="")
    bpy.ops.latent_bridge.wait(timeout=60)
    job = jobs(addon)[-1]
    found = {"phase": job.phase.value, "text": job.text, "images": "mossy stones" in bpy.data.images}
    bpy.ops.latent_bridge.use(job=job.id, index=0)
    return {**found, "used": "mossy stones" in bpy.data.images}


def undo_past_the_target(addon):
    """The object is made, a job begun for it, and its making undone."""
    bpy.ops.ed.undo_push(message="start")
    bpy.ops.mesh.primitive_plane_add()
    bpy.context.object.name = "Short-lived"
    bpy.ops.ed.undo_push(message="plane")
    fill()
    bpy.ops.latent_bridge.texture()
    bpy.ops.ed.undo()
    gone = "Short-lived" not in bpy.data.objects
    bpy.ops.latent_bridge.wait(timeout=60)
    job = jobs(addon)[-1]
    bpy.ops.latent_bridge.use(job=job.id, index=0)
    return {"gone": gone, "offered": job.phase.value, "plain": bpy.data.images["mossy stones"].use_fake_user}


def begin_and_die(addon, blend):
    """Begin a job, save the file for the first time, then end without any ceremony, as a crash would."""
    bpy.ops.latent_bridge.connect(wait=20)
    fill(steps=20)
    bpy.ops.latent_bridge.texture()
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    session = addon.session.current()
    assert session.wait(lambda: jobs(addon)[-1].text not in ("Sending…", ""), 30)
    return True


def take_up_again(addon, blend):
    """The next Blender: the job is known, and its result reaches its material."""
    bpy.ops.wm.open_mainfile(filepath=blend)
    bpy.ops.latent_bridge.connect(wait=20)
    known = len(jobs(addon))
    bpy.ops.latent_bridge.wait(timeout=60)
    job = jobs(addon)[-1]
    nodes = bpy.data.objects["Cube"].active_material.node_tree.nodes
    return {"known": known, "phase": job.phase.value, "wired": [n.image.name for n in nodes if n.type == "TEX_IMAGE"]}


def without_a_daemon(addon):
    """Nobody listens: that is told with what to do, and nothing waits for ever."""
    began = time.monotonic()
    connected = bpy.ops.latent_bridge.connect(wait=1) == {"FINISHED"}
    session = addon.session.current()
    fill()
    bpy.ops.latent_bridge.texture()
    bpy.ops.latent_bridge.cancel()
    bpy.ops.latent_bridge.wait(timeout=10)
    return {
        "connected": connected,
        "hint": session.error.hint if session.error else "",
        "phase": jobs(addon)[-1].phase.value,
        "seconds": time.monotonic() - began,
    }


def offline(addon):
    """Another machine's daemon while Blender is set to stay offline."""
    addon.session.preferences().address = "wss://example.org:47860"
    refused = bpy.ops.latent_bridge.connect() == {"CANCELLED"}
    error = addon.session.current().error
    return {"refused": refused, "message": error.message if error else ""}


def quit_while_running(addon):
    """Leave Blender by its own door with a live connection and a running job."""
    yield 0.5
    bpy.ops.latent_bridge.connect()
    session = addon.session.current()
    deadline = time.monotonic() + 20
    while session.state != "connected" and time.monotonic() < deadline:
        session.drain()
        yield 0.05
    fill(steps=50)
    bpy.ops.latent_bridge.texture()
    yield 0.5
    return session.state
