"""Pictures projected onto meshes, in real Blenders with a real daemon and the built-in model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import RunningDaemon

from .harness.runners import Runner

Play = Callable[..., Any]

pytestmark = pytest.mark.blender


@pytest.fixture
def play(blender: Runner, addon_zip, daemon: RunningDaemon) -> Play:
    """Play a scene and return its result."""
    return lambda scene, *arguments: (
        blender.run(addon_zip, f"projection.py::{scene}", *arguments, home=daemon.home).result
    )


def test_a_view_from_the_camera_becomes_a_texture_in_the_material_that_is_there(play: Play):
    assert play("from_the_camera") == {
        "jobs": 1,
        "text": "On “mossy stones”",
        "same_material": True,
        "layers": ["UVMap"],
        "size": [256, 256],
        "colours": True,
        "prompt": "mossy stones",
    }
