"""What live generation costs Krita's event loop: a stroke drawn with the mouse, without it and with it.

    python benchmarks/krita_live.py [--json FILE] [--sides 1024,4096]

Measured as in `krita_ui.py`: the longest block of the main thread, by a timer inside Krita. Each figure of the plugin
stands beside the same doing without it; `on_canvas` is with the frames over the canvas itself. `start` is the moment in
which the whole picture is compared and sent; `others` is another program that paints 50 areas of 64 × 64 px on the
shared canvas.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from krita_ui import block, running_daemon, running_krita  # noqa: E402

from bridge.client import connect  # noqa: E402
from bridge.protocol import locations  # noqa: E402
from bridge.protocol.pixels import Picture, PixelFormat  # noqa: E402
from tests.krita.harness.running import RunningKrita  # noqa: E402
from tests.krita.scenes import fresh_document  # noqa: E402

SECONDS = 3.0
DAB = 64


def stroke(krita: RunningKrita) -> int:
    """The longest block while a stroke is drawn and a second after it, milliseconds."""
    x, y, width, height = krita.call("canvas")
    block(krita)
    krita.drag((x + width // 4, y + height // 2), (x + 3 * width // 4, y + height // 2 + 60), steps=40)
    time.sleep(1)
    return block(krita)


def resting(krita: RunningKrita) -> int:
    """The longest block while nothing happens, milliseconds."""
    time.sleep(1)
    block(krita)
    time.sleep(SECONDS)
    return block(krita)


def others(krita: RunningKrita, name: str) -> int:
    """The longest block while another program paints on the canvas, milliseconds."""
    with connect(client_name="benchmark") as bridge:
        canvas = bridge.open_canvas(name)
        block(krita)
        for number in range(50):
            dab = Picture(DAB, DAB, PixelFormat.RGBA8, bytes((number, 90, 200, 255)) * DAB * DAB)
            canvas.patch(number * 16 % (canvas.width - DAB), number * 9, dab)
            time.sleep(0.04)
        time.sleep(1)
        canvas.close()
    return block(krita)


def phases(krita: RunningKrita, side: int) -> dict[str, int]:
    """Longest blocks by phase, milliseconds."""
    name = f"live {side}"
    fresh_document(krita, name, side, side)
    krita.call("use_tool", name="KritaShape/KisToolBrush")
    stroke(krita)  # brush and canvas are warm
    measured = {"idle": resting(krita), "stroke": stroke(krita)}
    block(krita)
    krita.call("trigger", action="latent_bridge_live")
    krita.until(lambda: krita.widget("live_apply").enabled, "a frame")
    time.sleep(2)
    measured["start"] = block(krita)
    measured["idle_live"] = resting(krita)
    measured["stroke_live"] = stroke(krita)
    krita.call("set_live_on_canvas", wanted=True)
    krita.until(lambda: krita.call("overlay"), "the picture over the canvas")
    measured["stroke_on_canvas"] = stroke(krita)
    krita.call("set_live_on_canvas", wanted=False)
    measured["others"] = others(krita, f"krita: {name}")
    krita.call("trigger", action="latent_bridge_live")
    krita.until(lambda: not krita.call("live")["on"], "live to be off")
    return measured


def main() -> None:
    """Print a table, and write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sides", default="1024,4096")
    options = parser.parse_args()
    figures: dict[str, object] = {"unit": "ms"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        home.mkdir()
        os.environ[locations.HOME_VARIABLE] = str(home)
        with running_daemon(home), running_krita(home, folder) as krita:
            krita.call("show_docker", name="latent_bridge_live_docker", height=520)
            for side in map(int, options.sides.split(",")):
                figures[str(side)] = measured = phases(krita, side)
                print(f"{side}²:", ", ".join(f"{key} {value} ms" for key, value in measured.items()), flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
