"""Every mode in a real Krita: what becomes of the document, by numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from latent_bridge.modes import Mode

from .harness.running import RunningKrita
from .scenes import exported, fill_form, fresh_document, generate, layer_pixels, set_mode, wait_done

pytestmark = pytest.mark.krita

PROMPT = "a red brick wall"
WIDTH, HEIGHT = 256, 192
SELECTED = [80, 60, 64, 64]


@pytest.fixture(scope="module")
def krita(krita_factory, daemon) -> RunningKrita:
    """One Krita for all scenarios of this module."""
    running = krita_factory(daemon.home)
    running.wait_text("connection", "Connected")
    fresh_document(running, "warming up", WIDTH, HEIGHT)
    fill_form(running, PROMPT, steps=2)
    yield running
    assert running.quit() == 0


def select(krita: RunningKrita) -> None:
    x, y, width, height = SELECTED
    krita.call("select_rectangle", x=x, y=y, width=width, height=height)


def centre_and_corner(krita: RunningKrita, path: Path) -> tuple[int, int]:
    """Alpha of the newest layer in the middle of the selection and in the corner of the picture."""
    name = krita.call("layers")[-1]["name"]
    alpha = layer_pixels(krita, path, name, WIDTH, HEIGHT)[..., 3]
    return int(alpha[92, 112]), int(alpha[4, 4])


@pytest.mark.parametrize(
    ("mode", "alphas"),
    [
        (Mode.FILL, (255, 0)),
        (Mode.REFINE, (255, 0)),
        (Mode.ADD, (255, 0)),
        (Mode.REMOVE, (255, 0)),
        (Mode.REPLACE_BACKGROUND, (0, 255)),
    ],
)
def test_what_is_selected_or_all_but_that_is_painted_anew(krita, tmp_path: Path, mode: Mode, alphas: tuple[int, int]):
    fresh_document(krita, mode.value, WIDTH, HEIGHT)
    select(krita)
    set_mode(krita, mode)
    generate(krita)
    wait_done(krita)
    assert centre_and_corner(krita, tmp_path / "layer") == alphas


def test_generate_with_a_selection_makes_a_layer_of_its_size(krita: RunningKrita):
    fresh_document(krita, "generate", WIDTH, HEIGHT)
    select(krita)
    set_mode(krita, Mode.GENERATE)
    generate(krita)
    wait_done(krita)
    assert krita.call("layers")[-1]["bounds"] == SELECTED


def test_the_canvas_grows_when_an_expansion_arrives_and_the_picture_stays_bit_for_bit(krita, tmp_path: Path):
    fresh_document(krita, "expand", WIDTH, HEIGHT)
    before = exported(krita, tmp_path / "before.png")
    krita.call("set_number", name="latent_bridge_left", value=64)
    krita.call("set_number", name="latent_bridge_right", value=0)
    set_mode(krita, Mode.EXPAND)
    generate(krita)
    wait_done(krita)
    after = exported(krita, tmp_path / "after.png")
    assert after.shape == (HEIGHT, WIDTH + 64, 4)
    assert np.array_equal(before[:, 32:], after[:, 96:])  # beyond the seam
    assert (after[:, :64, 3] == 255).all()
    assert after[:, :64, :3].std() > 5

    krita.call("trigger", action="edit_undo")
    krita.until(lambda: krita.call("size") == [WIDTH, HEIGHT], "layer and growth to be taken back by one undo")
    assert len(krita.call("layers")) == 1
    assert np.array_equal(before, exported(krita, tmp_path / "undone.png"))
    krita.call("trigger", action="edit_redo")
    krita.until(lambda: len(krita.call("layers")) == 2, "both to come again by one redo")
    assert krita.call("size") == [WIDTH + 64, HEIGHT]
    assert np.array_equal(after, exported(krita, tmp_path / "redone.png"))


def test_the_picture_is_resized_when_an_upscale_arrives_and_not_before(krita: RunningKrita, tmp_path: Path):
    fresh_document(krita, "upscale", WIDTH, HEIGHT)
    before = exported(krita, tmp_path / "before.png")
    set_mode(krita, Mode.UPSCALE)
    generate(krita)
    assert exported(krita, tmp_path / "meanwhile.png").shape in {before.shape, (2 * HEIGHT, 2 * WIDTH, 4)}
    wait_done(krita)
    after = exported(krita, tmp_path / "after.png")
    assert after.shape == (2 * HEIGHT, 2 * WIDTH, 4)
    coarse = [
        picture[..., :3].reshape(12, -1, 16, picture.shape[1] // 16, 3).mean(axis=(1, 3)) for picture in (before, after)
    ]
    assert np.corrcoef(coarse[0].ravel(), coarse[1].ravel())[0, 1] > 0.9


def test_a_mode_without_its_selection_is_explained_and_a_button_puts_it_right(krita: RunningKrita):
    fresh_document(krita, "fix", WIDTH, HEIGHT)
    set_mode(krita, Mode.FILL)
    generate(krita)
    krita.wait_text("error", "needs a selection")
    krita.click("error_fix")
    krita.until(lambda: krita.widget("mode").text == "Automatic", "the mode to be automatic")
    assert krita.docker()["error"] == ""


def test_a_part_of_a_very_large_picture_is_filled_in_its_place(krita: RunningKrita):
    side = 8192
    fresh_document(krita, "vast", side, side, empty=True)
    krita.call("select_rectangle", x=side - 300, y=side - 200, width=120, height=100)
    set_mode(krita, Mode.FILL)
    generate(krita)
    wait_done(krita)
    x, y, width, height = krita.call("layers")[-1]["bounds"]
    assert side - 700 < x <= side - 300
    assert side - 600 < y <= side - 200
    assert x + width <= side
    assert y + height <= side
    krita.call("trigger", action="edit_undo")
    krita.until(lambda: len(krita.call("layers")) == 1, "the undone layer to be gone")
    fresh_document(krita, "small again", WIDTH, HEIGHT)


BYTES = {
    ("RGBA", "U8"): 4,
    ("RGBA", "U16"): 8,
    ("RGBA", "F32"): 16,
    ("GRAYA", "U8"): 2,
    ("GRAYA", "U16"): 4,
    ("CMYKA", "U8"): 5,
}
"""Of a pixel, by colour model and depth. Krita's own profiles of 16 bits and more are linear."""


def test_what_is_typed_right_before_another_picture_comes_to_the_front_stays_with_its_own(krita: RunningKrita):
    fresh_document(krita, "first", WIDTH, HEIGHT)
    krita.call("new_document", name="second", width=WIDTH, height=HEIGHT)
    krita.call("activate", name="first")
    krita.call("set_text", name="latent_bridge_prompt", text="typed for the first")
    krita.call("activate", name="second")
    krita.call("set_text", name="latent_bridge_prompt", text="typed for the second")
    for name in ("second", "first"):
        krita.until(lambda name=name: f"typed for the {name}" in krita.call("annotation", name=name), "what was typed")


def test_in_place_means_the_layer_that_was_active_at_the_start(krita: RunningKrita, tmp_path: Path):
    fresh_document(krita, "target", WIDTH, HEIGHT)
    krita.call("add_paint", name="mine", x=0, y=0, width=WIDTH, height=HEIGHT)
    krita.call("activate_layer", name="Background")
    mine, below = (layer_pixels(krita, tmp_path / name, name, WIDTH, HEIGHT) for name in ("mine", "Background"))
    select(krita)
    set_mode(krita, Mode.FILL)
    krita.call("set_number", name="latent_bridge_steps", value=40)
    krita.call("set_checked", name="latent_bridge_in_place", checked=True)
    try:
        generate(krita)
        krita.call("activate_layer", name="mine")
        wait_done(krita)
        krita.until(lambda: len(krita.call("layers")) == 2, "the merged layer")
    finally:
        krita.call("set_checked", name="latent_bridge_in_place", checked=False)
        krita.call("set_number", name="latent_bridge_steps", value=2)
    assert np.array_equal(layer_pixels(krita, tmp_path / "after", "mine", WIDTH, HEIGHT), mine)
    merged = krita.call("layers")[0]["name"]
    assert not np.array_equal(layer_pixels(krita, tmp_path / "merged", merged, WIDTH, HEIGHT), below)


@pytest.mark.parametrize(("model", "depth"), BYTES, ids="".join)
def test_in_place_the_active_layer_changes_inside_the_mask_and_nowhere_else(krita, tmp_path: Path, model, depth):
    fresh_document(krita, f"place{model}{depth}", WIDTH, HEIGHT)
    krita.call("to_depth", model=model, depth=depth)
    before = krita.call("raw_pixels", path=str(tmp_path / "before"))
    select(krita)
    set_mode(krita, Mode.FILL)
    generate(krita)
    wait_done(krita)
    shown = exported(krita, tmp_path / "layer.png")
    krita.call("remove_layer", name=krita.call("layers")[-1]["name"])
    krita.call("activate_layer", name="Background")
    krita.call("set_checked", name="latent_bridge_in_place", checked=True)
    try:
        generate(krita)
        wait_done(krita)
        krita.until(lambda: len(krita.call("layers")) == 1, "the merged layer")
    finally:
        krita.call("set_checked", name="latent_bridge_in_place", checked=False)
    after = krita.call("raw_pixels", path=str(tmp_path / "after"))
    assert before == after == [WIDTH, HEIGHT, model, depth]
    size = BYTES[model, depth]
    pictures = [np.fromfile(tmp_path / name, np.uint8).reshape(HEIGHT, WIDTH, size) for name in ("before", "after")]
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[60 - 40 : 124 + 40, 80 - 40 : 144 + 40] = False
    assert np.array_equal(pictures[0][outside], pictures[1][outside])
    assert (pictures[0][92, 112] != pictures[1][92, 112]).any()
    # Merged it looks as it did as a layer of its own, of which Krita shows what the document's colours allow.
    merged = exported(krita, tmp_path / "merged.png")
    assert np.abs(merged - shown)[..., :3].max() <= 3
