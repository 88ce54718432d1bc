"""Every panel drawn at once in a real window, for people to look at; and by numbers that something was drawn."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import RunningDaemon

from .conftest import ARTEFACTS, Elsewhere
from .harness.runners import Runner

pytestmark = [
    pytest.mark.blender,
    pytest.mark.skipif(
        shutil.which("xdotool") is None or shutil.which("import") is None,
        reason="xdotool or import is not installed (Debian: apt install xdotool imagemagick)",
    ),
]


def colours(name: str) -> int:
    """How many colours a picture has: an empty region has very few."""
    with Image.open(ARTEFACTS / f"panels-{name}.png") as picture:
        return len(picture.convert("RGB").getcolors(1 << 24))


@pytest.fixture(autouse=True)
def artefacts() -> Path:
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    return ARTEFACTS


def test_all_panels_open_in_every_editor(tall_blender_window: Runner, addon_zip: Path, daemon: RunningDaemon):
    outcome = tall_blender_window.run(
        addon_zip, "panel_pictures.py::all_editors", str(ARTEFACTS), home=daemon.home, timeout=240
    )
    assert "Traceback" not in outcome.output
    assert outcome.result == ["choosing", "finished", "finished"]
    for name in ("view", "shader", "image"):
        assert colours(name) > 200, name


def test_the_preferences_tell_what_is_wrong_with_a_daemon_elsewhere_and_what_was_found(
    tall_blender_window: Runner, addon_zip: Path, elsewhere: Elsewhere, tmp_path: Path
):
    words = (elsewhere.address, elsewhere.token, elsewhere.certificate)
    scene = "panel_pictures.py::preferences"
    outcome = tall_blender_window.run(addon_zip, scene, str(ARTEFACTS), *words, home=tmp_path, timeout=240)
    assert "Traceback" not in outcome.output
    assert outcome.result["untrusted"][:2] == [[], True]
    lines, failed, state = outcome.result["tested"]
    assert (len(lines), failed, state) == (4, False, "connected")
    for name in ("no-connection", "preferences-untrusted", "preferences-tested"):
        assert colours(name) > 100, name
