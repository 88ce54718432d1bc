"""Renders through the model, and the GPU that Blender and the daemon share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blender_addon.frames import IN_FLIGHT, Frame, FrameFeed

from tests.conftest import RunningDaemon

from .harness.runners import Runner

Play = Callable[..., Any]


@pytest.fixture
def play(blender: Runner, addon_zip: Path, tiny_daemon: RunningDaemon) -> Play:
    """Play a scene and return its result."""
    return lambda scene: blender.run(addon_zip, f"renders.py::{scene}", home=tiny_daemon.home).result


@pytest.mark.blender
def test_the_last_render_becomes_an_image(play: Play):
    assert play("still") == {"missing": True, "error": "", "size": [64, 48], "seed": "3"}


@pytest.mark.blender
def test_frames_are_sent_on_as_they_are_rendered_with_one_seed(play: Play):
    frames = [f"f000{number}" for number in range(1, 5)]
    expected = sorted([f"{frame}.png" for frame in frames] + [f"{frame}_bridge.png" for frame in frames])
    assert play("animation") == {"files": expected, "seeds": 1}


@pytest.mark.blender
def test_the_gpu_is_lent_for_the_time_of_a_render(play: Play):
    assert play("lent") == {"during": True, "after": True}


def test_few_frames_are_with_the_daemon_at_once():
    begun: list[Frame] = []
    feed = FrameFeed(begun.append)
    feed.add(Frame(number, Path(f"f{number}.png")) for number in range(10))
    assert len(begun) == IN_FLIGHT
    feed.ended()
    assert (len(begun), feed.left) == (IN_FLIGHT + 1, 9)
    feed.stop()
    feed.ended()
    assert len(begun) == IN_FLIGHT + 1


def test_a_result_lies_beside_what_was_rendered():
    assert Frame(1, Path("/out/shot.0001.exr")).result == Path("/out/shot.0001_bridge.png")
