"""What packing brings to a daemon on another machine: the same over links of several speeds, always raw and as chosen.

    python benchmarks/remote.py [--json FILE] [--runs N] [--strokes N]

A link is a port of this machine that passes bytes on at a limited speed (`throttle.py`); it has no latency of its own.
Both clients talk to the same daemon through links of their own, in turns. Measured are

- a job that returns its picture (strength 0, so no model takes part): 1024² RGBA there and back, once with a picture
  that has the grain of a photograph, once with one that was painted on transparency;
- a stroke of 48 dabs of 64 px on a canvas of 1024², until the daemon has answered the last.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.daemon import running_daemon
from benchmarks.overhead import as_picture, bridge_run, noise
from benchmarks.throttle import ThrottledLink
from bridge.client import Bridge, LinkSettings, connect
from bridge.protocol import locations
from bridge.protocol.tasks import ImageToImage

LINKS = {"10 Mbit/s": 10e6, "100 Mbit/s": 100e6, "1 Gbit/s": 1e9, "unlimited": 0.0}
SIDE, DAB, DABS = 1024, 64, 48
FAST_RUNS = 10
"""Times as many runs over fast links, where a job is quick and its time is mostly the machine's other work."""
WARM_UP = 5
"""Turns that are not counted: an end must learn how fast its link is, and the picture's way into memory be trodden."""


@dataclass(frozen=True)
class End:
    """A client behind a link."""

    bridge: Bridge
    link: ThrottledLink


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--runs", type=int, default=5, help="jobs of each kind over each slow link")
    parser.add_argument("--strokes", type=int, default=5, help="strokes over each slow link")
    options = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    figures: dict[str, Any] = {"machine": machine}
    with tempfile.TemporaryDirectory() as home, running_daemon(Path(home)):
        for name, bits in LINKS.items():
            times = 1 if 0 < bits < 1e9 else FAST_RUNS
            figures[name] = over_link(bits, options.runs * times, options.strokes * times)
            report(name, figures[name])
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def over_link(bits_per_second: float, runs: int, strokes: int) -> dict[str, Any]:
    """Everything over links of one speed; a fresh connection for each kind of picture."""
    figures = {}
    for kind, pixels in (("grain", noise(SIDE)), ("painting", painting(SIDE))):
        task = ImageToImage(image=as_picture(pixels), prompt="moss", strength=0.0, seed=1)
        figures[f"job_{kind}"] = both_ways(bits_per_second, runs, lambda end, task=task: job(end, task))
    figures["stroke"] = both_ways(bits_per_second, strokes, stroke)
    return figures


def both_ways(bits_per_second: float, runs: int, measured: Callable[[End], tuple[float, int]]) -> dict[str, Any]:
    """Medians of what is `measured` (seconds, bytes), always raw and as chosen, in turns."""
    found = locations.read_discovery()
    if found is None:
        raise SystemExit("the daemon is gone")
    port = int(found.url.rsplit(":", 1)[1].split("/")[0])
    seconds: dict[str, list[float]] = {"raw": [], "chosen": []}
    carried: dict[str, list[int]] = {"raw": [], "chosen": []}
    with (
        ThrottledLink(port, bits_per_second) as plain,
        ThrottledLink(port, bits_per_second) as packing,
        connected(plain, pack=False) as raw,
        connected(packing, pack=True) as chosen,
    ):
        ends = {"raw": End(raw, plain), "chosen": End(chosen, packing)}
        for turn in range(WARM_UP + runs):
            for name, end in ends.items():
                took, nbytes = measured(end)
                if turn >= WARM_UP:
                    seconds[name].append(took)
                    carried[name].append(nbytes)
    milliseconds = {name: round(statistics.median(values) * 1e3, 2) for name, values in seconds.items()}
    return {
        "median_ms": milliseconds,
        "median_bytes": {name: int(statistics.median(values)) for name, values in carried.items()},
        "raw_over_chosen": round(milliseconds["raw"] / milliseconds["chosen"], 3),
    }


def connected(link: ThrottledLink, *, pack: bool) -> Bridge:
    """A client at the near end of a link, for which the daemon is on another machine."""
    return connect(f"127.0.0.1:{link.port}", settings=LinkSettings(share_files=False, pack=pack), timeout=30)


def job(end: End, task: ImageToImage) -> tuple[float, int]:
    """Seconds of a job outside the engine, and bytes both ways."""
    before = end.link.sent_bytes + end.link.returned_bytes
    total, inside = bridge_run(end.bridge, task)
    return total - inside, end.link.sent_bytes + end.link.returned_bytes - before


def stroke(end: End) -> tuple[float, int]:
    """Seconds until the daemon has answered the last dab of a stroke, and bytes sent for it."""
    canvas = end.bridge.open_canvas(f"stroke {end.link.port}", SIDE, SIDE)
    pixels = painting(SIDE)
    before, began = end.link.sent_bytes, time.perf_counter()
    for number in range(DABS):
        x, y = 20 + 19 * number, 480 + int(300 * np.sin(number / 8))
        canvas.patch(x, y, as_picture(np.ascontiguousarray(pixels[y : y + DAB, x : x + DAB])))
    if not canvas.settle(120):
        raise SystemExit("the stroke did not arrive")
    seconds, carried = time.perf_counter() - began, end.link.sent_bytes - before
    canvas.close()
    return seconds, carried


def painting(side: int) -> np.ndarray:
    """Broad soft strokes in many colours on transparency, RGBA uint8."""
    rng = np.random.default_rng(1)
    picture = Image.new("RGBA", (side, side))
    brush = ImageDraw.Draw(picture)
    for _ in range(60):
        x, y = rng.integers(0, side, 2)
        ends = (int(x), int(y), int(x + rng.integers(-300, 300)), int(y + rng.integers(-300, 300)))
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        brush.line(ends, fill=(*colour, 255), width=int(rng.integers(5, 60)))
    return np.array(picture.filter(ImageFilter.GaussianBlur(2)))


def report(name: str, figures: dict[str, Any]) -> None:
    """One line for each thing measured."""
    for what, found in figures.items():
        raw, chosen = found["median_ms"]["raw"], found["median_ms"]["chosen"]
        sizes = found["median_bytes"]
        print(
            f"{name:>10}  {what:<13} raw {raw:8.1f} ms ({sizes['raw'] / 1e6:.2f} MB)   "
            f"chosen {chosen:8.1f} ms ({sizes['chosen'] / 1e6:.2f} MB)   {found['raw_over_chosen']:.2f} times as quick",
            flush=True,
        )


if __name__ == "__main__":
    main()
