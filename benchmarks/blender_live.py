"""What a shared canvas costs Blender's main thread, in real Blenders with a real daemon and another client of it.

    python benchmarks/blender_live.py [--json FILE] [--versions 4.5.15 …]

Debian's Blender has no numpy, so there the figures are those of the way without it.
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

from benchmarks.blender_ui import runners, started_daemon  # noqa: E402 - found only now
from bridge.cli.plugin_bundle import blender_files, write_zip  # noqa: E402
from tests.blender.harness.runners import MODULES, Runner  # noqa: E402

SIDES = {512: 9, 1024: 9, 2048: 5, 4096: 3}
"""Sides of pictures in pixels, and how often each is tried."""
SCENE = f"{ROOT / 'benchmarks' / 'blender_live_scene.py'}::exchanges"


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


def measured(runner: Runner, archive: Path, home: Path, side: int) -> dict[str, float]:
    """Medians for one size, milliseconds."""
    raw = runner.run(archive, SCENE, str(side), str(SIDES[side]), home=home, timeout=300).result
    figures = {f"{name}_ms": round(statistics.median(values), 2) for name, values in raw.items()}
    print(f"{runner.name}, {side}²: ", ", ".join(f"{name[:-3]} {value:g} ms" for name, value in figures.items()))
    return figures


if __name__ == "__main__":
    main()
