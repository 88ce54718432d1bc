"""Scenes: projections that outlive Blender, files and meshes, and that are stopped at any moment."""

import os
import sys
import time
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from projection import fill, painted_image, shown, values


def jobs(addon):
    """The jobs as the panel knows them."""
    return list(addon.session.current().jobs.values())


def shelved():
    """Courses on the shelf."""
    return len(list(Path(os.environ["LATENT_BRIDGE_HOME"]).rglob("projections/*.npz")))


def around(addon, views=3):
    """Begin to project from cameras around the cube; returns its session."""
    fill(source="cameras", count=views, picture_side="256")
    bpy.ops.latent_bridge.add_cameras()
    bpy.ops.latent_bridge.connect(wait=20)
    assert bpy.ops.latent_bridge.project() == {"FINISHED"}
    return addon.session.current()


def second_view(addon):
    """Whether the projection, which is one entry, has come to its second view."""
    (job,) = jobs(addon)
    return job.part == "View 2 of 3"


def begin_and_die(addon, blend, unsent=""):
    """Save with a projection under way, and end like a crash while its second view is painted."""
    present = around(addon)
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    assert present.wait(lambda: second_view(addon) and (unsent or jobs(addon)[0].text not in ("Sending…", "")), 60)
    return shelved()


def take_up_again(addon, blend, change=""):
    """The next Blender: the file is open, perhaps with another mesh, when the pictures arrive."""
    bpy.ops.wm.open_mainfile(filepath=blend)
    if change:
        exec(change, {"bpy": bpy})
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.latent_bridge.connect(wait=20)
    known = len(jobs(addon))
    assert bpy.ops.latent_bridge.wait(timeout=90) == {"FINISHED"}
    last = jobs(addon)[-1]
    found = {"known": known, "parts": [[job.part, job.text] for job in jobs(addon)], "phase": last.phase.value}
    if last.phase.value == "choosing":
        return {**found, **used(addon, last)}
    image = shown(bpy.data.objects["Cube"])
    opaque = bool((values(image)[..., 3] == 255).all())
    return {**found, "size": list(image.size), "opaque": opaque, "shelved": shelved()}


def used(addon, job):
    """What becomes of a result without a place."""
    before = len(bpy.data.images)
    bpy.ops.latent_bridge.use(job=job.id, index=0)
    bpy.ops.latent_bridge.wait(timeout=60)
    made = [image for image in bpy.data.images if "prompt" in image]
    return {"before": before, "plain": [image.use_fake_user for image in made], "left": shelved()}


def another_file(addon, blend):
    """The result comes while another file is open; used when its own is open again."""
    present = around(addon, 1)
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.read_homefile(app_template="")
    bpy.ops.latent_bridge.wait(timeout=60)
    job = jobs(addon)[-1]
    found = {"offered": job.phase.value, "images": [image.name for image in bpy.data.images if "prompt" in image]}
    bpy.ops.wm.open_mainfile(filepath=blend)
    bpy.ops.latent_bridge.use(job=job.id, index=0)
    bpy.ops.latent_bridge.wait(timeout=60)
    return {**found, "wired": shown(bpy.data.objects["Cube"]).name, "text": present.jobs[job.id].text}


def stopped_and_gone_on_with(addon):
    """Cancel while the second view is painted: the first one stays, and the rest can follow."""
    present = around(addon)
    assert present.wait(lambda: second_view(addon), 60)
    bpy.ops.latent_bridge.cancel()
    bpy.ops.latent_bridge.wait(timeout=60)
    job = jobs(addon)[-1]
    image = shown(bpy.data.objects["Cube"])
    found = {"text": job.text, "phase": job.phase.value, "resumable": job.resumable, "shelved": shelved()}
    first = values(image)
    assert bpy.ops.latent_bridge.project_on(job=job.id) == {"FINISHED"}
    bpy.ops.latent_bridge.wait(timeout=90)
    changed = bool((values(shown(bpy.data.objects["Cube"])) != first).any())
    images = [each.name for each in bpy.data.images if "prompt" in each and "before" not in each.name]
    return {**found, "then": jobs(addon)[-1].text, "changed": changed, "images": images, "left": shelved()}


def stopped_while_it_calculates(addon, side, after):
    """Cancel once the picture is here and its texels are looked for; a large texture makes that take a while."""
    image = painted_image(side=int(side))
    before = values(image)
    fill()
    bpy.ops.latent_bridge.connect(wait=20)
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.latent_bridge.project()
    present = addon.session.current()
    assert present.wait(lambda: jobs(addon)[-1].phase.value == "placing", 90)
    time.sleep(float(after))
    began = time.perf_counter()
    bpy.ops.latent_bridge.cancel()
    assert present.wait(lambda: jobs(addon)[-1].over, 60)
    seconds = time.perf_counter() - began
    job = jobs(addon)[-1]
    return {
        "seconds": seconds,
        "phase": job.phase.value,
        "text": job.text,
        "resumable": job.resumable,
        "same": bool(np.array_equal(values(image), before)),
    }
