"""The plugin's Qt modules import with the edition of PyQt that is there: 5 and 6."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "advanced_panel",
    "bridge_thread",
    "connection_trial",
    "controller",
    "docker",
    "edges_panel",
    "fold",
    "form_panel",
    "gallery",
    "guide_rows",
    "guides_panel",
    "joined_steps",
    "layer_guides",
    "live.canvas_list",
    "live.frames",
    "live.overlay",
    "live.panel",
    "live.session",
    "live.sharing",
    "prompt_edit",
    "queue_list",
    "settings_dialog",
    "status_panel",
    "strip",
    "thumbnails",
    "widgets",
)

# Krita's own module cannot run outside Krita; only its names are needed to import what lies around it.
SCRIPT = """
import importlib, sys, types
edition, folder, root = sys.argv[1:4]
importlib.import_module(f"{edition}.QtCore")
importlib.import_module(f"{edition}.QtWidgets")
sys.path[:0] = [folder, root]
import latent_bridge  # before there is a krita, so that nothing is installed
krita = types.ModuleType("krita")
for name in "DockWidget DockWidgetFactory DockWidgetFactoryBase Document Extension Krita Selection".split():
    setattr(krita, name, type(name, (), {}))
sys.modules["krita"] = krita
for name in sys.argv[4:]:
    importlib.import_module(f"latent_bridge.{name}")
other = {"PyQt5": "PyQt6", "PyQt6": "PyQt5"}[edition]
assert not any(name.split(".")[0] == other for name in sys.modules), other
"""


CHOOSING = """
import importlib, sys
edition, folder, root = sys.argv[1:4]
importlib.import_module(f"{edition}.QtCore")
sys.path[:0] = [folder, root]
from latent_bridge.widgets import choose
qt = importlib.import_module(f"{edition}.QtWidgets")
application = qt.QApplication([])
box = qt.QComboBox()
box.addItem("Default", "")
for value in ("far-away", "", "far-away"):
    choose(box, value)
    print(box.currentText(), box.currentData(), box.count(), sep="|")
"""


def python_with(edition: str) -> str:
    """A Python that has an edition of PyQt: this one, or the system's."""
    if importlib.util.find_spec(edition) is not None:
        return sys.executable
    found = subprocess.run(["/usr/bin/python3", "-c", f"import {edition}.QtWidgets"], capture_output=True, check=False)
    if found.returncode != 0:
        pytest.skip(f"no {edition} here (Debian: apt install python3-{edition.lower()})")
    return "/usr/bin/python3"


@pytest.mark.parametrize("edition", ["PyQt5", "PyQt6"])
def test_every_module_imports(edition: str):
    command = [python_with(edition), "-c", SCRIPT, edition, str(ROOT / "plugins" / "krita"), str(ROOT), *MODULES]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("edition", ["PyQt5", "PyQt6"])
def test_a_choice_that_is_not_on_offer_stays_chosen(edition: str):
    command = [python_with(edition), "-c", CHOOSING, edition, str(ROOT / "plugins" / "krita"), str(ROOT)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["far-away (missing)|far-away|2", "Default||2", "far-away (missing)|far-away|2"]
