"""EEVEE shows what was projected: the result is a plain texture. Needs OpenGL, in software at least, but no display."""

from __future__ import annotations

import ctypes.util
from pathlib import Path

import pytest

from tests.conftest import RunningDaemon

from .conftest import ARTEFACTS
from .harness.runners import Runner

pytestmark = pytest.mark.blender


@pytest.fixture(autouse=True)
def wished_for(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--blenders"):
        pytest.skip("software OpenGL takes a quarter of a minute in every Blender: --blenders runs this")
    if ctypes.util.find_library("EGL") is None:
        pytest.skip("EGL is not installed (Debian: apt install libegl1 libegl-mesa0 libgl1-mesa-dri)")


def test_a_render_from_the_camera_is_like_the_picture_that_was_projected_from_it(
    blender: Runner, addon_zip: Path, daemon: RunningDaemon
):
    if blender.name == "blender -b":
        pytest.skip("Debian's Blender comes without numpy, which projection needs")
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    scene = "projection_eevee.py::like_the_picture"
    found = blender.run(addon_zip, scene, str(ARTEFACTS), home=daemon.home, timeout=240).result
    assert found["engine"].startswith("BLENDER_EEVEE")
    assert found["pixels"] > 2000
    assert found["like"] > 0.95
