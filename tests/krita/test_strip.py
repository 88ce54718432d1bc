"""The strip of results by mouse and keyboard: order, recipe, delete."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import ARTEFACTS
from .harness.running import RunningKrita
from .scenes import fill_form, fresh_document, generate, wait_done

pytestmark = pytest.mark.krita

PROMPT = "mossy stones"
WIDTH, HEIGHT = 128, 96


@pytest.fixture(scope="module")
def krita(krita_factory, tiny_daemon) -> Iterator[RunningKrita]:
    """A Krita with three results in its document's strip, of the seeds 1, 2 and 3."""
    running = krita_factory(tiny_daemon.home)
    running.call("show_docker", height=640)
    running.wait_text("connection", "Connected")
    fresh_document(running, "strip", WIDTH, HEIGHT)
    for seed in (1, 2, 3):
        fill_form(running, PROMPT, steps=2, seed=seed)
        generate(running)
        wait_done(running)
        running.until(lambda count=seed: len(running.call("strip")) == count, "the thumbnail")
    yield running
    assert running.quit() == 0


def seeds(krita: RunningKrita) -> list[int]:
    """Seeds of the thumbnails, from the left."""
    return [seed for _, seed in krita.call("strip")]


def choose_from_menu(krita: RunningKrita, row: int, text: str) -> None:
    """Open a thumbnail's menu with the right button and choose an entry with the left one."""
    krita.click_at(*krita.call("thumbnail", row=row), button=3)
    krita.click_at(*krita.until(lambda: krita.call("menu_entry", text=text), f"{text!r} in the menu"))


def test_a_thumbnail_dragged_to_another_place_stays_there(krita: RunningKrita):
    before = seeds(krita)
    first, last = krita.call("thumbnail", row=0), krita.call("thumbnail", row=2)
    krita.drag(tuple(first), (last[0] + 24, last[1]), steps=12)
    moved = [*before[1:], before[0]]
    krita.until(lambda: seeds(krita) == moved, "the new order")
    krita.call("new_document", name="other", width=64, height=64)
    krita.until(lambda: seeds(krita) == [], "the other document's strip")
    krita.call("activate", name="strip")
    krita.until(lambda: seeds(krita) == moved, "the order that the document remembers")
    krita.call("grab_docker", path=str(ARTEFACTS / "docker_strip.png"))


def test_the_recipe_is_copied_as_text(krita: RunningKrita):
    seed = seeds(krita)[1]
    choose_from_menu(krita, 1, "Copy recipe")
    krita.until(lambda: PROMPT in krita.call("clipboard"), "the recipe in the clipboard")
    assert str(seed) in krita.call("clipboard")


def test_deleting_forgets_the_result_and_leaves_the_layer(krita: RunningKrita):
    before = seeds(krita)
    layers = len(krita.call("layers"))
    choose_from_menu(krita, 0, "Delete")
    krita.until(lambda: seeds(krita) == before[1:], "the thumbnail to be gone")
    krita.focus()
    krita.call("focus_strip")
    krita.key("Delete")
    krita.until(lambda: seeds(krita) == before[2:], "the next one to be gone")
    assert len(krita.call("layers")) == layers
