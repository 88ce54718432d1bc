"""Pictures projected from what a real 3D View shows: Debian's Blender, with the numpy of these tests lent to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import RunningDaemon

from .conftest import ARTEFACTS
from .harness.runners import Runner

pytestmark = pytest.mark.blender


@pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed (Debian: apt install xdotool)")
def test_texels_show_the_pixel_of_the_view_that_they_lie_behind_and_ctrl_z_takes_them_back(
    blender_window_with_numpy: Runner, addon_zip: Path, daemon: RunningDaemon
):
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    outcome = blender_window_with_numpy.run(
        addon_zip, "projection_window.py::views", str(ARTEFACTS), home=daemon.home, timeout=240
    )
    assert "Traceback" not in outcome.output
    assert list(outcome.result) == ["perspective", "orthographic", "camera"]
    preview = outcome.result["perspective"].pop("material_preview")
    assert preview["pixels"] > 10_000
    assert preview["like_solid"] > 0.8
    assert preview["like_before"] < 0.5
    for name, found in outcome.result.items():
        assert found["unseen"] > 300, name
        assert found["kept"], name
        assert found["seen"] > 300, name
        assert found["difference"] <= 2, name  # levels of 255: both are rounded
        assert found["cells"] >= 3, name
        assert found["worst_pixels"] <= 0.5, name
        assert found["undone"], name
