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
    assert play("animation") == {"files": expected, "seeds": 1, "told": ["finished", "4 of 4 frames", 1.0]}


@pytest.mark.blender
def test_one_cancel_stops_all_of_an_animation(play: Play):
    found = play("cancelled")
    assert found["before"] == found["parts"] == IN_FLIGHT
    assert found["left"] == [["cancelled", "Stopped: 0 of 6 frames"]]
    assert found["again"] == IN_FLIGHT  # it can be sent again


@pytest.mark.blender
def test_frames_that_cannot_be_read_are_told_and_hold_nothing_up(play: Play):
    assert play("unreadable") == {"error": True, "text": "1 of 4 frames", "files": ["f0004_bridge.png"]}


@pytest.mark.blender
def test_a_movie_is_refused(play: Play):
    assert play("movie") == [["CANCELLED"], 0]


@pytest.mark.blender
def test_frames_outlive_a_new_connection(play: Play):
    assert play("connected_anew") == {"same": False, "left": [2, 3, 4, 5]}


@pytest.mark.blender
def test_the_gpu_is_lent_for_the_time_of_a_render(play: Play):
    assert play("lent") == {"during": True, "after": True}


@pytest.mark.blender
def test_a_gpu_that_is_not_freed_in_time_is_not_lent_for_nothing(play: Play):
    found = play("lent_too_late")
    assert len(found["told"]) == 1
    assert found["told"][0].startswith("The GPU was not freed for this render.")
    assert (found["left"], found["dismissed"]) == (0, "")


def test_few_frames_are_with_the_daemon_at_once():
    begun: list[Frame] = []
    feed = FrameFeed(begun.append, lambda frame, error: None)
    feed.add(Frame(number, Path(f"f{number}.png")) for number in range(10))
    assert len(begun) == IN_FLIGHT
    feed.ended(begun[0])
    assert (len(begun), len(feed.left), feed.total) == (IN_FLIGHT + 1, 9, 10)
    feed.stop()
    feed.ended(begun[1])
    assert len(begun) == IN_FLIGHT + 1


def test_frames_that_cannot_be_sent_take_no_place_from_others():
    refused: list[int] = []

    def begin(frame: Frame) -> None:
        if frame.number < 5:
            raise RuntimeError("no picture")

    feed = FrameFeed(begin, lambda frame, error: refused.append(frame.number))
    feed.add(Frame(number, Path(f"f{number}.png")) for number in range(10))
    assert refused == [0, 1, 2, 3, 4]
    assert [frame.number for frame in feed.left] == [5, 6, 7, 8, 9]


def test_a_result_lies_beside_what_was_rendered():
    frame = Frame(1, Path("/out/shot.0001.exr"))
    assert frame.result() == Path("/out/shot.0001_bridge.png")
    assert frame.result(".exr") == Path("/out/shot.0001_bridge.exr")
