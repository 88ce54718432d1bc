"""How much memory the engine takes to repaint a part of a large canvas, beside the pictures themselves.

    python benchmarks/inpaint_memory.py [--sides 512 2048 8192] [--selected 256] [--json FILE]

A real engine process repaints a square in the middle; its private memory is watched as in `upscale_memory.py`. The
picture and its mask lie in shared files and do not count. A result of extent `canvas` is as large as the canvas, and
cannot be helped. What is left is that of the crop which the model is shown: on larger canvases it has more around it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.upscale_memory import MIB, RESULT_BYTES, Engine, random_model, texture
from bridge.daemon.catalogue import read_folder
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.shared_pixels import preferred_parent
from bridge.protocol.tasks import Inpaint, ResultExtent

EXTENTS: tuple[ResultExtent, ...] = ("layer", "canvas")


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=int, nargs="+", default=[512, 2048, 8192], metavar="PX")
    parser.add_argument("--selected", type=int, default=256, metavar="PX")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    measured = []
    print(f"{'extent':>7} {'side':>6} {'s':>6} {'peak MiB':>9} {'result':>7} {'beyond':>7} {'kept':>6}")
    with (
        tempfile.TemporaryDirectory() as models,
        tempfile.TemporaryDirectory(dir=preferred_parent()) as folder,
        Engine(Path(folder), options.threads) as engine,
    ):
        source = read_folder(random_model(Path(models) / "random")).source
        engine.run(source, _repainting(options.sides[0], options.selected, "layer"))
        for extent in EXTENTS:
            for side in options.sides:
                ran = engine.run(source, _repainting(side, options.selected, extent))
                result = side * side * RESULT_BYTES / MIB if extent == "canvas" else 0.0
                found: dict[str, Any] = {
                    "extent": extent,
                    "side": side,
                    "seconds": round(ran.seconds, 2),
                    "peak_mib": round(ran.peak_mib, 1),
                    "result_mib": round(result, 1),
                    "beyond_mib": round(ran.peak_mib - result, 1),
                    "kept_mib": round(ran.kept_mib, 1),
                }
                measured.append(found)
                print(
                    f"{extent:>7} {side:>6} {ran.seconds:>6.1f} {ran.peak_mib:>9.1f} {result:>7.1f} "
                    f"{ran.peak_mib - result:>7.1f} {ran.kept_mib:>6.1f}",
                    flush=True,
                )
    if options.json:
        machine = {"system": platform.platform(), "cores": os.cpu_count(), "threads": options.threads}
        found = {"machine": machine, "model": "random", "selected": options.selected, "jobs": measured}
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _repainting(side: int, selected: int, extent: ResultExtent) -> Inpaint:
    mask = np.zeros((side, side), np.uint8)
    begin = (side - selected) // 2
    mask[begin : begin + selected, begin : begin + selected] = 255
    selection = Picture(side, side, PixelFormat.GRAY8, mask.tobytes())
    return Inpaint(image=texture(side), mask=selection, prompt="grey stone", steps=2, seed=1, extent=extent)


if __name__ == "__main__":
    main()
