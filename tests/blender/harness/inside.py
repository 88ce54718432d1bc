"""Runs inside Blender: installs the add-on from its archive, plays one scene, writes what it returned as JSON.

`python inside.py ARCHIVE SCENE OUTPUT [ARGUMENTS]` with a bpy module, `blender --python inside.py -- …` otherwise.
In a window the scene is a generator: what it yields is how long to let Blender live on, in seconds.
"""

import importlib.util
import json
import os
import sys
import time
import traceback
from pathlib import Path

import bpy

LEGACY = "latent_bridge"
EXTENSION = "bl_ext.user_default.latent_bridge"


def install(archive: str) -> str:
    """Install and enable the add-on as a user would; returns its module's name."""
    if bpy.app.version >= (4, 2, 0):
        bpy.ops.extensions.package_install_files(
            filepath=archive, repo="user_default", enable_on_install=True, overwrite=True
        )
        return EXTENSION
    bpy.ops.preferences.addon_install(filepath=archive, overwrite=True)
    bpy.ops.preferences.addon_enable(module=LEGACY)
    return LEGACY


def load_scene(path: str):
    """The module with the scene; the harness lies beside it on the path."""
    sys.path.insert(0, str(Path(path).parents[1]))
    spec = importlib.util.spec_from_file_location("scene", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def finish(output: str, result: dict) -> None:
    """Write the outcome. In a window Blender quits as by its menu; a bare module must not run its exit handlers."""
    Path(output).write_text(json.dumps(result), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    if not bpy.app.background:
        bpy.ops.wm.quit_blender()
    elif "--quit-normally" not in sys.argv:
        os._exit(0)


def play(archive: str, scene: str, output: str, *arguments: str) -> None:
    """Run the scene to its end."""
    path, _, name = scene.partition("::")
    try:
        began = time.perf_counter()
        module = install(archive)
        assert module in bpy.context.preferences.addons, "the add-on is not enabled"
        addon = sys.modules[module]
        seconds = time.perf_counter() - began
        running = getattr(load_scene(path), name)(addon, *arguments)
    except BaseException:  # noqa: BLE001 - likewise
        finish(output, {"error": traceback.format_exc()})
        return
    if not hasattr(running, "send"):
        finish(output, {"result": running, "install_seconds": seconds})
        return

    def step():
        try:
            return next(running)
        except StopIteration as end:
            finish(output, {"result": end.value, "install_seconds": seconds})
        except BaseException:  # noqa: BLE001 - whatever happened is what the test must hear
            finish(output, {"error": traceback.format_exc()})
        return None

    if bpy.app.background:
        while (pause := step()) is not None:
            time.sleep(pause)
    else:
        bpy.app.timers.register(step, first_interval=0.5, persistent=True)


# Before the window opens; the splash would take the first keys and clicks.
bpy.context.preferences.view.show_splash = False
given = [word for word in sys.argv[sys.argv.index("--") + 1 if "--" in sys.argv else 1 :] if word[:2] != "--"]
play(*given)
