"""Plays inside Blender for `blender_live.py`: how long the main thread is busy with a shared image."""

import sys
import time
from pathlib import Path

import bpy

DAB = 64


def exchanges(addon, side, runs):
    """Milliseconds, one entry for each run; names that end in `_cpu` count only what the main thread computed.

    look: looking at an image on which nobody has painted.
    sent: the same, and a dab of 64 × 64 pixels is found and sent.
    dab: taking over such a dab that another program painted.
    whole: taking over all of the image.
    """
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "blender" / "scenes"))
    from live import NAME, Other, paint, pump, share, start_over

    side, runs = int(side), int(runs)
    start_over(addon)
    there = share(addon, bpy.data.images.new(NAME, side, side, alpha=True))
    other = Other(addon, there.name)
    measured = {}

    def tick(name):
        wall, cpu = time.perf_counter(), time.thread_time()
        there.tick(bpy.data.images[NAME], float("inf"))
        measured.setdefault(name, []).append((time.perf_counter() - wall) * 1e3)
        measured.setdefault(f"{name}_cpu", []).append((time.thread_time() - cpu) * 1e3)

    def wait(until):
        deadline = time.monotonic() + 30
        while not until():
            if time.monotonic() > deadline:
                raise TimeoutError("it never came")
            time.sleep(0.01)

    def received(name, size, byte):
        other.patch(0, 0, size, size, bytes([byte]) * (size * size * 4))
        wait(lambda: there.waits and other.canvas.settle(30))
        time.sleep(0.1)
        tick(name)

    pump(addon, lambda: there.canvas.settle(0))
    for run in range(runs):
        tick("look")
        paint(bpy.data.images[NAME], 100, 100, DAB, DAB, (run + 1, 0, 0, 255))
        tick("sent")
        wait(lambda: there.canvas.settle(30))
        received("dab", DAB, 2 * run + 1)
        received("whole", side, 2 * run + 2)
    other.bridge.close()
    return measured
