"""The preferences against a daemon behind TLS, as on another computer."""

from __future__ import annotations

from pathlib import Path

import pytest

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
