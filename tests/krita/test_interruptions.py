"""Cancelled jobs, lost daemons, closed documents, and a Krita that closes in the middle of a job."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.client import connect

from .conftest import ARTEFACTS
from .harness.running import RunningKrita
from .scenes import MANY_STEPS, fill_form, fresh_document, generate, wait_denoising, wait_done, wait_ready

pytestmark = pytest.mark.krita

PROMPT = "grey cobblestone"
WIDTH, HEIGHT = 128, 96


@pytest.fixture(scope="module")
def own_daemon(daemon_factory, tiny_model):
    """A daemon for this module, which is killed now and then. Its pictures do not matter here."""
    return daemon_factory("--model", str(tiny_model))


@pytest.fixture(scope="module")
def krita(krita_factory, own_daemon) -> Iterator[RunningKrita]:
    """One Krita for those scenarios that it survives."""
    running = krita_factory(own_daemon.home)
    running.wait_text("connection", "Connected")
    yield running
    running.kill()


def begin(krita: RunningKrita, name: str, steps: int = MANY_STEPS) -> None:
    """A job in the middle of its denoising."""
    fresh_document(krita, name, WIDTH, HEIGHT)
    fill_form(krita, PROMPT, steps=steps)
    generate(krita)
    wait_denoising(krita)


def test_cancel_by_mouse_stops_the_job_and_the_next_one_runs(krita: RunningKrita):
    begin(krita, "cancelled")
    state = krita.docker()
    assert (state["generate"], state["cancel"]) == (True, True)
    told = re.search(r", step (\d+) of (\d+)", state["text"])
    assert int(told[1]) < MANY_STEPS <= int(told[2])  # more than were asked for, since the size needs two passes
    krita.call("grab_docker", path=str(ARTEFACTS / "docker_running.png"))
    krita.click("cancel")
    krita.wait_text("text", "Cancelled")
    assert len(krita.call("layers")) == 1
    fill_form(krita, PROMPT, steps=2)
    generate(krita)
    wait_done(krita)
    assert len(krita.call("layers")) == 2


def test_the_cancel_action_does_the_same(krita: RunningKrita):
    begin(krita, "cancelled again")
    krita.call("trigger", action="latent_bridge_cancel")
    krita.wait_text("text", "Cancelled")


def test_a_stroke_that_is_painted_during_a_job_loses_no_points(krita: RunningKrita, tmp_path: Path):
    alone, during = (stroke_columns(krita, tmp_path, name, busy=name == "during") for name in ("alone", "during"))
    assert alone.sum() > 100
    assert np.array_equal(alone, during)


def stroke_columns(krita: RunningKrita, folder: Path, name: str, *, busy: bool) -> np.ndarray:
    """Which columns of a fresh picture a stroke of the mouse changes, with or without a job at the same time."""
    side = 512
    fresh_document(krita, name, side, side)
    krita.call("use_tool", name="KritaShape/KisToolBrush")
    krita.call("raw_pixels", path=str(folder / "before"))
    if busy:
        fill_form(krita, PROMPT, steps=MANY_STEPS)
        generate(krita)
        wait_denoising(krita)
    x, y, width, height = krita.call("canvas")
    krita.drag((x + width // 2 - 120, y + height // 2), (x + width // 2 + 120, y + height // 2), steps=40)
    krita.call("raw_pixels", path=str(folder / "after"))
    if busy:
        assert krita.docker()["busy"]
        krita.call("trigger", action="latent_bridge_cancel")
        krita.wait_text("text", "Cancelled")
    before, after = (np.fromfile(folder / each, np.uint8).reshape(side, side, 4) for each in ("before", "after"))
    return (before != after).any(axis=(0, 2))


def test_an_undo_in_mid_job_takes_back_what_was_painted_and_the_result_comes_all_the_same(krita: RunningKrita):
    fresh_document(krita, "undone", WIDTH, HEIGHT)
    krita.call("add_paint", name="Scribble", x=10, y=10, width=40, height=30)
    fill_form(krita, PROMPT, steps=40)
    generate(krita)
    wait_denoising(krita)
    krita.call("trigger", action="edit_undo")
    krita.until(lambda: len(krita.call("layers")) == 1, "the scribble to be gone")
    assert krita.docker()["busy"]
    wait_done(krita)
    assert [layer["name"] for layer in krita.call("layers")] == ["Background", f"[bridge] {PROMPT} (7)"]
    krita.call("trigger", action="edit_undo")
    krita.until(lambda: len(krita.call("layers")) == 1, "the result to be undone")


def test_the_docker_fits_into_a_narrow_place_while_a_job_runs(krita: RunningKrita):
    begin(krita, "narrow")
    try:
        assert krita.call("float_docker", width=200, height=600)[0] <= 202  # its frame
        krita.call("grab_docker", path=str(ARTEFACTS / "docker_running_200.png"))
        left = krita.widget("panel").x
        right = left + krita.widget("panel").width
        for part in ("generate", "cancel", "progress", "text", "connection", "settings"):
            widget = krita.widget(part)
            assert left <= widget.x, part
            assert widget.x + widget.width <= right, part
    finally:
        krita.call("dock_docker")
        krita.call("show_docker", height=520)
        krita.call("trigger", action="latent_bridge_cancel")
        krita.wait_text("text", "Cancelled")


def test_a_document_closed_in_mid_job_leaves_its_result_with_the_daemon(krita: RunningKrita, own_daemon):
    begin(krita, "closed", steps=60)
    assert krita.call("close_document", name="closed")
    krita.wait_text("error", "The daemon keeps it")
    job_id = krita.docker()["hint"].split("jobs show ")[1].split()[0]
    with connect(own_daemon.url, token=own_daemon.token) as bridge:
        picture = bridge.fetch(job_id).layer.picture
    assert (picture.width, picture.height) == (WIDTH, HEIGHT)
    krita.call("new_document", name="next", width=256, height=256)
    wait_ready(krita)


def test_a_daemon_killed_in_mid_job_is_told_and_the_job_is_done_when_it_is_back(krita: RunningKrita, own_daemon):
    begin(krita, "killed", steps=60)
    own_daemon.kill()
    krita.wait_text("text", "The daemon is gone")
    state = krita.docker()
    assert state["cancel"]
    assert "latent-bridge serve" in state["hint"]
    krita.call("grab_docker", path=str(ARTEFACTS / "docker_daemon_gone.png"))
    own_daemon.start()
    krita.wait_text("connection", "Connected")
    wait_done(krita)
    assert len(krita.call("layers")) == 2


def test_a_job_of_a_lost_daemon_can_be_let_go(krita: RunningKrita, own_daemon):
    begin(krita, "let go")
    own_daemon.kill()
    krita.wait_text("text", "The daemon is gone")
    krita.click("cancel")
    krita.wait_text("text", "Cancelled")
    assert not krita.docker()["generate"]
    own_daemon.start()
    wait_ready(krita)
    assert len(krita.call("layers")) == 1


def test_krita_closes_in_mid_job_without_hanging(krita: RunningKrita):
    begin(krita, "quit")
    krita.call("quit_now")
    assert krita.wait_end() == 0
