"""What a result costs Blender's main thread, in real Blenders with a real daemon.

    python benchmarks/blender_ui.py [--json FILE] [--runs N] [--versions 4.5.15 …]

An edit of strength 0 takes the way of every result without a model's time: the pixels go to the daemon and back, the
version before is kept, the image is exchanged.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# The tests know how to run Blenders and a daemon; they are found only now.
from bridge.cli.plugin_bundle import blender_files, write_zip  # noqa: E402
from tests.blender.harness.runners import MODULES, Runner, SceneError, background_runner, module_runner  # noqa: E402
from tests.conftest import RunningDaemon  # noqa: E402

SIDES = {1024: 7, 4096: 3}
"""Sides of pictures in pixels, and how often each is tried."""
SCENE = f"{ROOT / 'benchmarks' / 'blender_scene.py'}::arrivals"


def main() -> None:
    """Measure, print, and write JSON when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--versions", nargs="*", default=["4.5.15"], choices=list(MODULES), help="of the bpy module")
    options = parser.parse_args()
    figures: dict[str, Any] = {"machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"}
    with tempfile.TemporaryDirectory() as folder:
        daemon = started_daemon(Path(folder) / "home")
        try:
            archive = Path(folder) / "latent-bridge-blender.zip"
            write_zip(blender_files(), archive)
            for runner in runners(options.versions, Path(folder)):
                figures[runner.name] = {str(side): measured(runner, archive, daemon.home, side) for side in SIDES}
        finally:
            daemon.stop()
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def started_daemon(home: Path) -> RunningDaemon:
    """A daemon of our own on the built-in model."""
    home.mkdir()
    daemon = RunningDaemon(home, ("--port", "0"), {**os.environ, "LATENT_BRIDGE_HOME": str(home)})
    daemon.start()
    return daemon


def runners(versions: list[str], folder: Path) -> list[Runner]:
    """What can be had of the Blenders asked for, and Debian's."""
    found = []
    for version in [*versions, "debian"]:
        try:
            place = folder / version
            found.append(background_runner(place) if version == "debian" else module_runner(version, place))
        except LookupError as error:
            print(f"left out: {error}")
    return found


def measured(runner: Runner, archive: Path, home: Path, side: int) -> dict[str, float]:
    """Medians and the worst of one picture's size, milliseconds."""
    try:
        raw = runner.run(archive, SCENE, str(side), str(SIDES[side]), home=home, timeout=300).result
    except SceneError as error:
        raise SystemExit(str(error)) from error
    figures = {f"{name}_ms": round(statistics.median(values), 2) for name, values in raw.items()}
    for kind in ("", "_cpu"):
        figures[f"block{kind}_ms"] = round(figures[f"drain{kind}_ms"] + figures[f"decode{kind}_ms"], 2)
    print(f"{runner.name}, {side}²: ", ", ".join(f"{name[:-3]} {value:g} ms" for name, value in figures.items()))
    return figures


if __name__ == "__main__":
    main()
