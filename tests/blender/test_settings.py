"""The preferences against a daemon behind TLS, as on another computer."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.client.starter import is_alive, remember_executable
from bridge.protocol import locations

from .conftest import Elsewhere
from .harness.runners import Runner

pytestmark = pytest.mark.blender


@pytest.mark.everywhere
def test_a_remote_daemon_is_tested_and_used_and_what_is_wrong_is_told(
    blender: Runner, addon_zip: Path, elsewhere: Elsewhere, tmp_path: Path
):
    gone = str(tmp_path / "gone.pem")
    words = (elsewhere.address, elsewhere.token, elsewhere.certificate, gone)
    found = blender.run(addon_zip, "settings.py::remote", *words, home=tmp_path).result
    problem, way_out = found["untrusted"]["error"]
    assert "signed by nobody" in problem
    assert "choose it as Certificate" in way_out
    assert "token" in found["wrong token"]["error"][0]
    assert "gone.pem cannot be read" in found["missing file"]["error"][0]
    assert found["no daemon"]["error"]
    assert not found["right"]["error"]
    for number, wanted in enumerate(("Connected to latent-bridge", "Device:", "Engine:", "Round trip:")):
        assert found["right"]["lines"][number].startswith(wanted)
    assert found["connected"]
    assert found["in Blender's file"] == [True, False]
    token = tmp_path / "config" / "blender-token"
    assert token.read_text() == elsewhere.token
    assert token.stat().st_mode & 0o077 == 0
    assert (found["phase"], found["error"]) == ("finished", "")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home in which a daemon is installed; one that was started meanwhile is ended."""
    monkeypatch.setenv(locations.HOME_VARIABLE, str(tmp_path))
    remember_executable(sys.executable)
    yield tmp_path
    found = locations.read_discovery()
    if found is not None and is_alive(found.pid):
        os.kill(found.pid, signal.SIGTERM)


@pytest.mark.everywhere
def test_the_daemon_that_is_installed_is_started_by_a_button(blender: Runner, addon_zip: Path, home: Path):
    found = blender.run(addon_zip, "settings.py::started", home=home).result
    assert found["missing"]
    assert found["offered"]
    assert found["connected"], found["message"]
    assert found["message"] == ""
    assert not found["offered again"]
    assert is_alive(locations.read_discovery().pid)
