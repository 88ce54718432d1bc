"""Three programs paint on one canvas for minutes, at random, while a model follows: does anything grow, or go wrong?

    python benchmarks/live_soak.py [--minutes N] [--side PX] [--json FILE]

Random strokes come from three clients of the real daemon, over each other as it happens. Now and then a client closes
the canvas and opens it again, changes prompt or strength, or rests. At the end the canvases are compared pixel by
pixel, the frames with the order in which the canvas changed, and the memory of the second half with that of the first.
Exits with 1 when canvases differ, a frame was older than one before it, or the last frame did not show the last change.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.daemon import running_daemon
from bridge.client import Bridge, connect
from bridge.client.canvas import Canvas
from bridge.protocol import locations
from bridge.protocol.live import LiveFrame, LiveSettings
from bridge.protocol.pixels import Picture, PixelFormat

NAME = "soak"
PROMPTS = ("red brick wall", "green moss", "grey stone", "blue fabric")
CLIENTS = 3
DAB = 48
MEMORY_SECONDS = 5.0
WARM_UP = 0.2
"""Share of the time after which memory counts: models load and caches fill before."""


@dataclass
class Painter:
    """A program that paints.

    Attributes:
        seed: of what it does.
        changes: that it made.
        reopened: how often it opened the canvas anew.
        frames: that it was shown.
        stale: frames older than the one before.
        newest: revision of the newest frame.
        error: of the canvas, if there was one.
    """

    bridge: Bridge
    side: int
    seed: int
    changes: int = 0
    reopened: int = 0
    frames: int = 0
    stale: int = 0
    newest: int = 0
    error: str = ""
    canvas: Canvas = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Open the canvas and watch what becomes of it."""
        self.canvas = self.bridge.open_canvas(NAME, self.side, self.side)
        self.canvas.live.on_frame = self._shown
        self.canvas.live.watch(side=256, rate=30)

    def _shown(self, frame: LiveFrame) -> None:
        self.frames += 1
        self.stale += frame.revision < self.newest
        self.newest = max(self.newest, frame.revision)

    def paint(self, until: float) -> None:
        """Do what people do, until a time."""
        chance = random.Random(self.seed)
        while time.monotonic() < until:
            self._stroke(chance)
            if self.canvas.error is not None:
                self.error = self.canvas.error.message
            what = chance.random()
            if what < 0.03:
                self.canvas.settle(60)
                self.canvas.close()
                self.open()
                self.reopened += 1
            elif what < 0.1:
                self.canvas.live.start(prompt=chance.choice(PROMPTS), strength=chance.uniform(0.3, 0.8))
            time.sleep(chance.choice((0.0, 0.1, 0.5, 1.5)))

    def _stroke(self, chance: random.Random) -> None:
        colour = bytes((*(chance.randrange(256) for _ in range(3)), 255))
        x, y = (chance.randrange(self.side - DAB) for _ in range(2))
        for _ in range(chance.randrange(5, 60)):
            x, y = (min(self.side - DAB, max(0, at + chance.randrange(-12, 13))) for at in (x, y))
            width, height = (chance.randrange(1, DAB + 1) for _ in range(2))
            self.canvas.patch(x, y, Picture(width, height, PixelFormat.RGBA8, colour * width * height))
            self.changes += 1
            time.sleep(1 / 60)


def main() -> None:
    """Paint, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--side", type=int, default=512, help="of the canvas, px")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, running_daemon(Path(home)) as first:
        rest = [connect(client_name=f"painter {number}") for number in range(2, CLIENTS + 1)]
        painters = [Painter(bridge, options.side, seed) for seed, bridge in enumerate([first, *rest])]
        figures = soak(painters, options.minutes * 60)
        for bridge in rest:
            bridge.close()
    figures["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
    report(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if not figures["identical"] or figures["stale_frames"] or not figures["last_change_shown"] or figures["errors"]:
        raise SystemExit("something went wrong: see above")


def soak(painters: list[Painter], seconds: float) -> dict[str, Any]:
    """Let them paint, then compare what each of them has."""
    painters[0].canvas.live.start(LiveSettings(prompt=PROMPTS[0], steps=4, guidance_scale=1.0, seed=1, full=False))
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=painter.paint, args=(until,)) for painter in painters]
    for thread in threads:
        thread.start()
    memory = watch_memory(until)
    for thread in threads:
        thread.join()
    for painter in painters:
        painter.canvas.settle(60)
    last = max(painter.canvas.revision for painter in painters)
    shown = wait_until(lambda: all(painter.newest >= last for painter in painters))
    pictures = [bytes(painter.canvas.read().pixels) for painter in painters]
    return {
        "minutes": seconds / 60,
        "side_px": painters[0].side,
        "changes": sum(painter.changes for painter in painters),
        "reopened": sum(painter.reopened for painter in painters),
        "frames_shown": sum(painter.frames for painter in painters),
        "stale_frames": sum(painter.stale for painter in painters),
        "last_change_shown": shown,
        "identical": len(set(pictures)) == 1,
        "errors": [painter.error for painter in painters if painter.error],
        "memory_mb": memory,
    }


def watch_memory(until: float) -> dict[str, dict[str, float]]:
    """Resident memory of daemon and engine: means of the first and second half after warming up, and the most."""
    discovery = locations.read_discovery()
    if discovery is None:
        raise SystemExit("the daemon is gone")
    daemon = psutil.Process(discovery.pid)
    (engine,) = daemon.children()
    seen: dict[str, list[float]] = {"daemon": [], "engine": []}
    while time.monotonic() < until:
        for name, process in (("daemon", daemon), ("engine", engine)):
            seen[name].append(process.memory_info().rss / 1e6)
        time.sleep(MEMORY_SECONDS)
    return {name: halves(values) for name, values in seen.items()}


def halves(values: list[float]) -> dict[str, float]:
    """Means of the first and the second half of what comes after warming up, and the most."""
    warm = values[int(len(values) * WARM_UP) :]
    middle = len(warm) // 2
    first, second = statistics.mean(warm[:middle]), statistics.mean(warm[middle:])
    return {"first_half": first, "second_half": second, "grown_percent": (second / first - 1) * 100, "most": max(warm)}


def wait_until(condition: Any, seconds: float = 60) -> bool:
    """Wait for something; returns whether it came."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(condition())


def report(figures: dict[str, Any]) -> None:
    """Print what came of it."""
    print(f"\n{figures['machine']}; {figures['minutes']:.0f} minutes, canvas of {figures['side_px']}²")
    print(f"  {figures['changes']} changes by {CLIENTS} programs, canvas opened anew {figures['reopened']} times")
    print(f"  {figures['frames_shown']} frames shown, {figures['stale_frames']} of them older than one before")
    print(f"  the last change was shown: {figures['last_change_shown']}")
    print(f"  all canvases identical:    {figures['identical']}")
    for name, memory in figures["memory_mb"].items():
        print(
            f"  memory of the {name}: {memory['first_half']:.1f} MB, then {memory['second_half']:.1f} MB "
            f"({memory['grown_percent']:+.1f} %), at most {memory['most']:.1f} MB"
        )
    for error in figures["errors"]:
        print(f"  error: {error}")


if __name__ == "__main__":
    main()
