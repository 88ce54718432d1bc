"""Plays inside Blender for `blender_ui.py`: how long the main thread is busy when a result arrives."""

import array
import time

import bpy


def arrivals(addon, side, runs):
    """Milliseconds, one entry for each run.

    submit: what pressing the button takes, the image's pixels being read.
    drain: the longest look at the inbox, in which the result is put into the image.
    decode: Blender reading the packed file, once, when it first draws the image.
    gap: the longest time in which the main thread did not come round, the worker's hold of the interpreter included.
    The names that end in `_cpu` count only what the main thread computed, however busy the machine is.
    """
    side, runs = int(side), int(runs)
    image = bpy.data.images.new("picture", side, side, alpha=True)
    image.pixels.foreach_set(array.array("f", [0.25, 0.5, 0.75, 1.0]) * (side * side))
    settings = bpy.context.scene.latent_bridge
    settings.prompt, settings.strength = "sand", 0.0
    bpy.ops.latent_bridge.connect(wait=20)
    session = addon.session.current()
    measured = {}

    def note(name, wall, cpu):
        measured.setdefault(name, []).append(wall * 1e3)
        measured.setdefault(f"{name}_cpu", []).append(cpu * 1e3)

    def timed(action):
        wall, cpu = time.perf_counter(), time.thread_time()
        action()
        return time.perf_counter() - wall, time.thread_time() - cpu

    for _ in range(runs):
        note("submit", *timed(lambda: bpy.ops.latent_bridge.edit(image=image.name)))
        drains, gaps, last = [], [], time.perf_counter()
        while session.busy:
            drains.append(timed(session.drain))
            time.sleep(0.001)
            gaps.append(time.perf_counter() - last)
            last = time.perf_counter()
        note("drain", max(wall for wall, _ in drains), max(cpu for _, cpu in drains))
        note("decode", *timed(lambda: tuple(image.size)))
        measured.setdefault("gap", []).append(max(gaps) * 1e3)
        job = list(session.jobs.values())[-1]
        if job.phase.value != "finished":
            raise SystemExit(job.error)
    return measured
