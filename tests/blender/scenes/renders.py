"""Scenes: renders through the model, and the GPU that is lent for them."""

import os
import time
from pathlib import Path

import bpy
from scenes.faults import arrive, file_of, part, without_a_daemon


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
    seeds, ended = set(), addon.animation.Animation._ended

    def noting(self, frame, job):
        seeds.update(variant.seed for variant in job.variants)
        ended(self, frame, job)

    addon.animation.Animation._ended = noting
    bpy.ops.render.render(animation=True)
    bpy.ops.latent_bridge.wait(timeout=90)
    (job,) = jobs(addon)
    return {
        "files": sorted(path.name for path in folder.iterdir()),
        "seeds": len(seeds),
        "told": [job.phase.value, job.text.split(" in ")[0], job.fraction],
    }


def frames_of(addon, count):
    """Pictures as a render would have left them, and an output path that means them."""
    scene, folder = prepare(), Path(os.environ["TMPDIR"]) / "sent"
    folder.mkdir(exist_ok=True)
    scene.render.filepath = f"{folder}/f"
    scene.render.image_settings.file_format = "PNG"
    scene.frame_start, scene.frame_end = 1, count
    for number in range(1, count + 1):
        (folder / f"f{number:04}.png").write_bytes(file_of(addon, 16))
    return folder


def cancelled(addon):
    """One Cancel: what is with the daemon is cancelled, and nothing more is sent."""
    session, sent = without_a_daemon(addon)
    frames_of(addon, 6)
    messages, happened = part(addon, "vendored").messages, part(addon, "connection").JobHappened
    session.connection.cancel = lambda job_id: session.connection.inbox.put(
        happened(job_id, messages.JobCancelled(job_id=job_id, seq=9))
    )
    bpy.ops.latent_bridge.restyle_animation()
    before, (entry, *parts) = len(sent), jobs(addon)
    bpy.ops.latent_bridge.cancel(job=entry.id)
    session.drain()
    left = [(job.phase.value, job.text) for job in jobs(addon)]
    bpy.ops.latent_bridge.restyle_animation()
    return {"before": before, "parts": len(parts), "left": left, "again": len(sent) - before}


def unreadable(addon):
    """Frames that are no pictures are told one by one, and hold nothing up."""
    session, sent = without_a_daemon(addon)
    folder = frames_of(addon, 4)
    for number in (1, 2, 3):
        (folder / f"f{number:04}.png").write_bytes(b"no picture")
    bpy.ops.latent_bridge.restyle_animation()
    (last,) = sent
    error = jobs(addon)[0].error
    arrive(addon, session, last)
    session.wait(lambda: not session.busy, 10)
    (job,) = jobs(addon)
    found = [path.name for path in folder.glob("*_bridge.png")]
    return {"error": error.startswith("Frame 3: "), "text": job.text.split(" in ")[0], "files": found}


def movie(addon):
    """An output of one file for all frames is refused."""
    _, sent = without_a_daemon(addon)
    settings = bpy.context.scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    return [sorted(bpy.ops.latent_bridge.restyle_animation()), len(sent)]


def connected_anew(addon):
    """Connect while frames are away: a new session gets those that did not come back."""
    session, sent = without_a_daemon(addon)
    frames_of(addon, 5)
    bpy.ops.latent_bridge.restyle_animation()
    arrive(addon, session, sent[0])
    session.drain()
    bpy.ops.latent_bridge.connect()
    left = addon.animation._Holder.animation.left
    return {"same": addon.session.current() is session, "left": sorted(frame.number for frame in left)}


def lent(addon):
    """While a render runs the daemon has given its device away; afterwards it is back."""
    prepare()
    addon.session.preferences().lend_for_render = True
    session = addon.session.current()  # nothing has connected it yet
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


def lent_too_late(addon):
    """The job that runs takes longer than a render waits: no loan begins that nobody would end, and that is said."""
    prepare(steps=60)
    addon.session.preferences().lend_for_render = True
    addon.render_hooks.LONGEST_WAIT = 0.2
    bpy.ops.latent_bridge.connect(wait=20)
    session = addon.session.current()
    settings = bpy.context.scene.latent_bridge
    settings.size, settings.width, settings.height = "custom", 256, 256
    bpy.ops.latent_bridge.texture()
    session.wait(lambda: jobs(addon)[-1].phase.value == "running", 30)
    seen = []
    bpy.app.handlers.render_pre.append(lambda *_: seen.append(session.message))
    bpy.ops.render.render()
    deadline = time.monotonic() + 10
    while (left := session.connection.ask_and_wait(lambda bridge: bridge.ping().lent)) and time.monotonic() < deadline:
        time.sleep(0.05)
    bpy.ops.latent_bridge.cancel()
    bpy.ops.latent_bridge.dismiss_message()
    return {"told": seen, "left": left, "dismissed": session.message}
