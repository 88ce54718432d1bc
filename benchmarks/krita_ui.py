"""How long the plugin keeps Krita's event loop from turning: idle, during a job, while a result is put in.

    python benchmarks/krita_ui.py [--json FILE] [--sides 1024,4096] [--seconds 3]

Starts a daemon on the built-in model and a real Krita on a virtual screen (Debian: krita python3-pyqt5 xvfb xdotool
imagemagick). A timer of 10 ms inside Krita measures the gaps between its beats; a block is a gap less those 10 ms. Each
phase is told beside the same span without the plugin's doing, `idle`, since Krita's own work is in every figure. A
stroke drawn with the mouse during a job is compared with the same stroke without one. The plugin polls nothing while it
is idle: it is called back by Krita, its client and its widgets only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "plugins" / "krita")]
os.environ["HF_HUB_OFFLINE"] = "1"

from bridge.cli.plugin_bundle import krita_files  # noqa: E402
from bridge.cli.plugin_krita import enabled  # noqa: E402
from tests.krita.harness.profile import Profile  # noqa: E402
from tests.krita.harness.running import RunningKrita  # noqa: E402
from tests.krita.harness.xserver import XServer  # noqa: E402
from tests.krita.scenes import fill_form, fresh_document, generate, wait_denoising, wait_done  # noqa: E402

BEAT_MS = 10
SELECTED = 512
"""Side of the selection that is filled, pixels."""


@contextmanager
def running_daemon(home: Path) -> Iterator[None]:
    """A daemon on the built-in model."""
    command = [sys.executable, "-m", "bridge.cli.main", "serve", "--port", "0"]
    environment = {**os.environ, "LATENT_BRIDGE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    with open(home / "daemon.log", "wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=ROOT)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def running_krita(home: Path, folder: Path) -> Iterator[RunningKrita]:
    """A Krita with the plugin, in a profile that was started once before."""
    screen = XServer()
    profile = Profile.make(folder / "profile")
    RunningKrita(profile, screen.display).quit()
    for name, data in krita_files().items():
        path = profile.resources / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    profile.kritarc.write_text(enabled(profile.kritarc.read_text()))
    krita = RunningKrita(profile, screen.display, LATENT_BRIDGE_HOME=str(home))
    try:
        krita.call("show_docker", height=620)
        krita.wait_text("connection", "Connected")
        yield krita
    finally:
        krita.kill()
        screen.close()


def block(krita: RunningKrita) -> int:
    """The longest block since the last call, milliseconds."""
    return max(0, int(krita.call("longest_gap")) - BEAT_MS)


def phases(krita: RunningKrita, side: int, seconds: float) -> dict[str, int]:
    """Longest blocks by phase, milliseconds, for a selection filled in a document of `side` x `side`."""
    fresh_document(krita, f"{side}", side, side)
    krita.call("select_rectangle", x=side // 4, y=side // 4, width=SELECTED, height=SELECTED)
    fill_form(krita, "a red brick wall", steps=4)
    generate(krita)
    wait_done(krita)  # the model is loaded and every code path was walked once
    time.sleep(1)
    measured = {}
    block(krita)
    time.sleep(seconds)
    measured["idle"] = block(krita)
    fill_form(krita, "a red brick wall", steps=40)
    time.sleep(0.5)
    block(krita)
    generate(krita)
    wait_denoising(krita)
    measured["sending"] = block(krita)
    time.sleep(seconds)
    measured["job"] = block(krita)
    wait_done(krita)
    time.sleep(0.5)
    measured["result"] = block(krita)
    return measured


def painted_columns(krita: RunningKrita, folder: Path, busy: bool) -> int:
    """Columns that a stroke of the mouse has changed in a fresh picture, with or without a job at the same time."""
    side = 1024
    fresh_document(krita, f"stroke {busy}", side, side)
    krita.call("use_tool", name="KritaShape/KisToolBrush")
    krita.call("activate_layer", name=krita.call("layers")[0]["name"])
    before, after = folder / "before", folder / "after"
    krita.call("raw_pixels", path=str(before))
    if busy:
        fill_form(krita, "moss", steps=40)
        generate(krita)
        wait_denoising(krita)
    x, y, width, height = krita.call("canvas")
    krita.drag((x + width // 4, y + height // 2), (x + 3 * width // 4, y + height // 2), steps=40)
    krita.call("raw_pixels", path=str(after))
    if busy:
        krita.click("cancel")
        krita.wait_text("text", "Cancelled")
    pictures = [np.fromfile(path, np.uint8).reshape(side, side, 4) for path in (before, after)]
    return int((pictures[0] != pictures[1]).any(axis=(0, 2)).sum())


def main() -> None:
    """Print a table, and write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sides", default="1024,4096")
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    figures: dict[str, object] = {"unit": "ms", "selected": SELECTED}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        home.mkdir()
        with running_daemon(home), running_krita(home, folder) as krita:
            print(f"{'document':>10} {'idle':>6} {'sending':>8} {'job':>6} {'result':>7}   longest block, ms")
            for side in map(int, options.sides.split(",")):
                measured = phases(krita, side, options.seconds)
                figures[str(side)] = measured
                print(f"{side:>9}² {measured['idle']:>6} {measured['sending']:>8} {measured['job']:>6}"
                      f" {measured['result']:>7}")  # fmt: skip
            strokes = {key: painted_columns(krita, folder, busy) for key, busy in (("alone", False), ("job", True))}
            figures["stroke_columns"] = strokes
            print(f"columns painted by the same stroke: {strokes['alone']} alone, {strokes['job']} during a job")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
