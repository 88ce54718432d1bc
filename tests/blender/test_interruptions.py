"""Switching off, loading, undoing, crashing, quitting: nothing hangs, nothing crashes, no result is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunningDaemon

from .harness.runners import Runner

Play = Callable[..., Any]

pytestmark = pytest.mark.blender


@pytest.fixture
def play(blender: Runner, addon_zip: Path, tiny_daemon: RunningDaemon) -> Play:
    """Play a scene and return its result."""
    return lambda scene, *words, **options: (
        blender.run(addon_zip, f"interruptions.py::{scene}", *words, home=tiny_daemon.home, **options).result
    )


def test_it_is_switched_off_and_on_with_a_live_connection_and_a_running_job(play: Play):
    found = play("off_and_on_while_connected")
    assert found["phase"] == "finished"
    assert found["seconds"] < 5  # it waits a second at most for its threads; a hang would be for ever
    assert found["threads"] <= 4


def test_its_scripts_are_reloaded(play: Play):
    assert play("reload_scripts") is True


def test_a_result_outlives_the_load_of_a_file(play: Play):
    found = play("load_another_file")
    assert found == {
        "phase": "choosing",
        "text": "Its place is gone: use it as an image of its own",
        "images": False,
        "used": True,
    }


def test_a_result_outlives_the_undo_of_its_object(play: Play):
    assert play("undo_past_the_target") == {"gone": True, "offered": "choosing", "plain": True}


@pytest.mark.everywhere
def test_a_result_outlives_blender_itself(play: Play, tmp_path: Path):
    blend = str(tmp_path / "scene.blend")
    assert play("begin_and_die", blend) is True
    found = play("take_up_again", blend, former_jobs=True)
    assert found == {"known": 1, "phase": "finished", "wired": ["mossy stones"]}


def test_without_a_daemon_it_says_so_and_jobs_can_be_cancelled(blender: Runner, addon_zip: Path, tmp_path: Path):
    found = blender.run(addon_zip, "interruptions.py::without_a_daemon", home=tmp_path).result
    assert not found["connected"]
    assert "latent-bridge serve" in found["hint"]
    assert found["phase"] == "cancelled"


def test_another_machine_is_left_alone_when_blender_is_offline(blender: Runner, addon_zip: Path, tmp_path: Path):
    if "-b" in blender.name:
        pytest.skip("Blender 3.4 has no such preference")
    found = blender.run(addon_zip, "interruptions.py::offline", home=tmp_path).result
    assert found["refused"]
    assert "offline" in found["message"]


@pytest.mark.everywhere
def test_it_quits_with_a_live_connection_and_a_running_job(
    blender: Runner, addon_zip: Path, tiny_daemon: RunningDaemon
):
    outcome = blender.run(
        addon_zip, "interruptions.py::quit_while_running", "--quit-normally", home=tiny_daemon.home, timeout=60
    )
    assert outcome.result == "connected"
    assert outcome.status == 0


def test_a_window_is_closed_with_a_live_connection_and_a_running_job(
    blender_window: Runner, addon_zip: Path, tiny_daemon: RunningDaemon
):
    outcome = blender_window.run(addon_zip, "interruptions.py::quit_while_running", home=tiny_daemon.home, timeout=60)
    assert outcome.result == "connected"
    assert outcome.status == 0


def test_no_map_ticked_beside_a_texture_means_none_is_made(blender: Runner, addon_zip: Path, tmp_path: Path):
    found = blender.run(addon_zip, "faults.py::no_map_is_ticked", home=tmp_path).result
    assert found == {"phase": "finished", "error": "", "busy": False, "ticks": True, "jobs": 1}


def test_a_fault_in_the_main_thread_fails_its_job_alone(blender: Runner, addon_zip: Path, tmp_path: Path):
    outcome = blender.run(addon_zip, "faults.py::delivery_breaks", home=tmp_path)
    found = outcome.result
    assert found["phase"] == "choosing"  # the picture is not lost
    assert "KeyError" in found["error"]
    assert found["used"] == "moss"
    assert "ZeroDivisionError" in found["message"]
    assert found["next"] == "finished"
    assert "Traceback" in outcome.output


def test_sockets_that_a_shader_lacks_are_told_and_nothing_breaks(blender: Runner, addon_zip: Path, tmp_path: Path):
    found = blender.run(addon_zip, "faults.py::maps_of_a_group", home=tmp_path).result
    assert found == ["metallic", "normal", "roughness"]


def test_icons_of_a_job_are_freed_with_it(blender: Runner, addon_zip: Path, tmp_path: Path):
    found = blender.run(addon_zip, "faults.py::icons", home=tmp_path).result
    assert found == {"same": True, "kept": 1, "left": 0}


def test_old_jobs_leave_the_list_but_for_those_that_can_go_on(blender: Runner, addon_zip: Path, tmp_path: Path):
    found = blender.run(addon_zip, "faults.py::many_jobs", home=tmp_path).result
    assert (found["first"], found["second"]) == (True, False)
    assert found["listed"] < 25
