"""What the maps of a material cost: seconds by map and peak memory.

    python benchmarks/surface_maps.py [--sides 1024 2048 4096] [--json FILE]

Every size runs in a process of its own, so that its peak memory is its own. Neither daemon nor model take part.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from bridge.engine.cancellation import AbortFlag
from bridge.engine.faults import no_faults
from bridge.engine.stages import Stages
from bridge.engine.surface_maps.making import make_maps
from bridge.protocol.engine_link import LinkMessage, Produced
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import SurfaceMaps


def main() -> None:
    """Measure each size, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[1024, 2048, 4096], metavar="PX", help="of the picture")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one)))
        return
    rows = []
    for side in options.sides:
        command = [sys.executable, "-m", "benchmarks.surface_maps", "--one", str(side)]
        row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rows.append(row)
        parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in row["seconds"].items())
        print(f"{side}²: {row['total']:.2f} s ({parts}), {row['peak_mb']} MB above a bare engine process", flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def measured(side: int) -> dict[str, object]:
    """Seconds of each map, the first of which includes the height's, and MB of memory beside what was there before."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    task = SurfaceMaps(
        image=Picture(side, side, PixelFormat.RGB8, noise.data.cast("B")),
        maps=("height", "normal", "roughness", "occlusion", "metallic"),
        seamless="xy",
    )
    seconds: dict[str, float] = {}
    began = since = time.perf_counter()

    def send(message: LinkMessage) -> None:
        nonlocal since
        if isinstance(message, Produced):
            now = time.perf_counter()
            seconds[str(message.layer.recipe["map"])] = round(now - since, 3)
            since = now

    make_maps("job", task, 0, Stages("job", send, AbortFlag(), no_faults), send)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "side": side,
        "total": round(time.perf_counter() - began, 3),
        "seconds": seconds,
        "peak_mb": round(peak / 1024),
    }


if __name__ == "__main__":
    main()
