"""What can be done with results: compare, adjust, again, variants, the queue, and the strip after a restart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .conftest import ARTEFACTS
from .harness.running import RunningKrita
from .scenes import fill_form, fresh_document, generate, layer_pixels, wait_done

pytestmark = pytest.mark.krita

PROMPT = "mossy stones"
WIDTH, HEIGHT = 256, 192
LAYER = f"[bridge] {PROMPT} (7)"


@pytest.fixture(scope="module")
def own_daemon(daemon_factory):
    """A daemon that is started again in the middle."""
    return daemon_factory()


@pytest.fixture(scope="module")
def krita(krita_factory, own_daemon) -> RunningKrita:
    """One Krita for all scenarios of this module but the last."""
    running = krita_factory(own_daemon.home)
    running.call("show_docker", height=640)
    running.wait_text("connection", "Connected")
    yield running
    running.kill()


@pytest.fixture
def result(krita: RunningKrita) -> str:
    """A document with one result, in the active layer."""
    fresh_document(krita, "result", WIDTH, HEIGHT)
    krita.call("select_rectangle", x=80, y=60, width=96, height=80)
    fill_form(krita, PROMPT, steps=2)
    generate(krita)
    wait_done(krita)
    krita.call("activate_layer", name=LAYER)
    return LAYER


def visible(krita: RunningKrita) -> list[bool]:
    return [layer["visible"] for layer in krita.call("tree")]


def adjust(krita: RunningKrita, path: Path, grow: int = 0, feather: int = 0) -> np.ndarray:
    """The layer's pixels after its edge was moved."""
    before = layer_pixels(krita, path, LAYER, WIDTH, HEIGHT)
    krita.call("set_number", name="latent_bridge_edge_grow", value=grow)
    krita.call("set_number", name="latent_bridge_edge_feather", value=feather)

    def moved() -> bool:
        return not np.array_equal(layer_pixels(krita, path, LAYER, WIDTH, HEIGHT), before)

    krita.until(moved, "the layer to change")
    return layer_pixels(krita, path, LAYER, WIDTH, HEIGHT)


def test_a_click_on_a_thumbnail_hides_and_shows_its_layer(krita: RunningKrita, result: str):
    strip = krita.widget("history")
    assert krita.call("strip") == [[PROMPT, 7]]
    krita.click_at(strip.x + 30, strip.y + 30)
    krita.until(lambda: not visible(krita)[-1], "the layer to be hidden")
    krita.click_at(strip.x + 30, strip.y + 30)
    krita.until(lambda: visible(krita)[-1], "the layer to be shown")


def test_the_edge_moves_and_softens_without_a_job_and_goes_back(krita: RunningKrita, result: str, tmp_path: Path):
    jobs = krita.call("strip")
    came = layer_pixels(krita, tmp_path / "came", result, WIDTH, HEIGHT)
    smaller = adjust(krita, tmp_path / "px", grow=-16)
    assert 0 < (smaller[..., 3] > 127).sum() < (came[..., 3] > 127).sum()
    shown = smaller[..., 3] > 0
    assert np.array_equal(smaller[shown][:, :3], came[shown][:, :3])
    softer = adjust(krita, tmp_path / "px", grow=-16, feather=12)
    partial = [((picture[..., 3] > 0) & (picture[..., 3] < 255)).sum() for picture in (smaller, softer)]
    assert partial[1] > partial[0]
    back = adjust(krita, tmp_path / "px")
    assert np.array_equal(back, came)
    assert krita.call("strip") == jobs


def test_the_edge_of_a_layer_that_was_painted_on_is_left_alone(krita: RunningKrita, result: str, tmp_path: Path):
    adjust(krita, tmp_path / "px", grow=-8)
    krita.call("paint_on", name=result, x=100, y=80, width=20, height=20)
    painted = layer_pixels(krita, tmp_path / "painted", result, WIDTH, HEIGHT)
    krita.call("set_number", name="latent_bridge_edge_feather", value=20)
    krita.until(lambda: krita.docker()["error"], "the refusal")
    assert "painted on" in krita.docker()["error"]
    assert np.array_equal(layer_pixels(krita, tmp_path / "after", result, WIDTH, HEIGHT), painted)


def test_the_edge_fields_show_the_layer_that_is_active(krita: RunningKrita, result: str, tmp_path: Path):
    adjust(krita, tmp_path / "px", grow=-12, feather=6)
    krita.call("activate_layer", name="Background")
    krita.click("edge_grow")
    krita.until(lambda: krita.widget("edge_grow").text == "0 px", "the fields of another layer")
    krita.call("activate_layer", name=result)
    krita.click("edge_feather")
    krita.until(lambda: krita.widget("edge_feather").text == "6 px", "the fields of this layer")
    assert krita.widget("edge_grow").text == "-12 px"


def test_what_is_shown_for_comparing_cannot_be_painted_on_and_is_not_sent(krita: RunningKrita, result: str):
    krita.call("remove_layer", name=result)
    strip = krita.widget("history")
    krita.click_at(strip.x + 30, strip.y + 30)
    krita.until(lambda: len(krita.call("tree")) == 2, "the preview")
    assert krita.call("tree")[-1]["locked"]
    krita.double_click_at(strip.x + 30, strip.y + 30)
    krita.until(lambda: krita.call("layers")[-1]["name"] == LAYER, "the applied layer")
    assert len(krita.call("tree")) == 2


def test_again_makes_the_same_pixels_and_vary_others(krita: RunningKrita, result: str, tmp_path: Path):
    first = layer_pixels(krita, tmp_path / "first", result, WIDTH, HEIGHT)
    krita.call("deselect")  # the layer knows its mask
    krita.call("trigger", action="latent_bridge_again")
    wait_done(krita)
    krita.call("rename_layer", index=-1, name="again")
    again = layer_pixels(krita, tmp_path / "again", "again", WIDTH, HEIGHT)
    assert np.array_equal(first, again)
    krita.call("remove_layer", name="again")
    krita.call("activate_layer", name=result)
    krita.call("trigger", action="latent_bridge_vary")
    wait_done(krita)
    krita.call("rename_layer", index=-1, name="vary")
    vary = layer_pixels(krita, tmp_path / "vary", "vary", WIDTH, HEIGHT)
    assert np.array_equal(vary[..., 3], first[..., 3])
    assert not np.array_equal(vary, first)


def test_the_recipe_of_a_layer_fills_the_fields(krita: RunningKrita, result: str):
    krita.call("set_text", name="latent_bridge_prompt", text="something else")
    krita.call("trigger", action="latent_bridge_recipe")
    assert krita.docker()["prompt"] == PROMPT
    assert krita.docker()["seed"] == "7"
    assert krita.widget("mode").text == "Fill"
    krita.call("trigger", action="latent_bridge_mode_auto")


def test_variants_come_as_one_group_and_a_queued_job_can_be_taken_out(krita: RunningKrita):
    fresh_document(krita, "queue", WIDTH, HEIGHT)
    fill_form(krita, PROMPT, steps=25)
    krita.call("set_number", name="latent_bridge_images", value=2)
    try:
        generate(krita)
        krita.until(lambda: krita.docker()["cancel"], "the first job")
        generate(krita)
        krita.until(lambda: krita.widget("queue_0").visible, "the second job to wait")
        assert PROMPT in krita.widget("queue_0").text
        krita.screenshot(ARTEFACTS / "krita_queue.png")
        krita.click("queue_cancel_0")
        krita.until(lambda: not krita.widget("queue_0").visible, "the second job to be gone")
        wait_done(krita)
    finally:
        krita.call("set_number", name="latent_bridge_images", value=1)
    (_, group) = krita.call("tree")
    assert (group["type"], group["visible_children"]) == ("grouplayer", [True, False])
    assert [seed for _, seed in krita.call("strip")] == [7, 8]


def test_every_document_remembers_its_own_fields(krita: RunningKrita):
    fresh_document(krita, "one", 64, 64)
    krita.call("set_text", name="latent_bridge_prompt", text="first words")
    krita.call("new_document", name="two", width=64, height=64)
    krita.call("set_text", name="latent_bridge_prompt", text="other words")
    krita.call("activate", name="one")
    krita.until(lambda: krita.docker()["prompt"] == "first words", "the first document's words")
    krita.call("activate", name="two")
    krita.until(lambda: krita.docker()["prompt"] == "other words", "the second document's words")


def test_the_strip_survives_a_restart_of_krita_and_of_the_daemon(
    krita: RunningKrita, result: str, own_daemon, tmp_path
):
    pixels = layer_pixels(krita, tmp_path / "before", result, WIDTH, HEIGHT)
    krita.call("remove_layer", name=result)
    saved = tmp_path / "saved.kra"
    assert krita.call("save_as", path=str(saved))
    assert krita.quit() == 0
    own_daemon.stop()
    own_daemon.start()
    again = RunningKrita(krita.profile, krita.display, str(saved), LATENT_BRIDGE_HOME=str(own_daemon.home))
    try:
        again.call("show_docker", height=640)
        again.wait_text("connection", "Connected")
        again.until(lambda: again.call("strip") == [[PROMPT, 7]], "the thumbnail")
        assert again.docker()["prompt"] == PROMPT
        again.screenshot(ARTEFACTS / "krita_history.png")
        strip = again.widget("history")
        again.click_at(strip.x + 30, strip.y + 30)
        again.until(lambda: again.call("tree")[-1]["name"] == f"[preview] {PROMPT}", "the layer for comparing")
        again.focus()
        again.call("focus_strip")
        again.key("Return")
        again.until(lambda: again.call("tree")[-1]["name"] == LAYER, "the applied layer")
        assert np.array_equal(layer_pixels(again, tmp_path / "after", LAYER, WIDTH, HEIGHT), pixels)
        assert again.quit() == 0
    finally:
        again.kill()
