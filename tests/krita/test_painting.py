"""Layers made in a real Krita, with a real daemon and real mouse and keyboard."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from .conftest import ARTEFACTS
from .harness.running import RunningKrita
from .scenes import (
    bounds_mask,
    exported,
    fill_form,
    fresh_document,
    generate,
    layer_pixels,
    wait_done,
)

pytestmark = pytest.mark.krita

WIDTH, HEIGHT = 512, 384
PROMPT = "a red brick wall"


@pytest.fixture(scope="module")
def krita(krita_factory, daemon) -> RunningKrita:
    """One Krita for all scenarios of this module, connected to the daemon."""
    running = krita_factory(daemon.home)
    running.wait_text("connection", "Connected")
    yield running
    assert running.quit() == 0


def reach(bounds: list[int]) -> int:
    """How far beyond a selection a result may fade, pixels: its feather and what the denoise mask grows."""
    feather = max(32, math.ceil(math.hypot(bounds[2], bounds[3]) / 10))
    return 4 + feather // 2 + feather


def check_only_inside_changed(before: np.ndarray, after: np.ndarray, alpha: np.ndarray, bounds: list[int]) -> None:
    """Bit for bit the same where the layer is transparent, and transparent wherever the selection does not reach."""
    height, width = alpha.shape
    assert np.array_equal(before[alpha == 0], after[alpha == 0])
    assert not alpha[~bounds_mask(bounds, width, height, reach(bounds))].any()
    changed = np.abs(before - after)[..., :3].max(axis=-1)
    assert changed[alpha > 250].mean() > 8


def test_a_selection_dragged_with_the_mouse_is_filled_and_one_undo_takes_it_back(krita: RunningKrita, tmp_path: Path):
    fresh_document(krita, "drag", WIDTH, HEIGHT)
    krita.call("use_tool", name="KisToolSelectRectangular")
    x, y, width, height = krita.call("canvas")
    middle = (x + width // 2, y + height // 2)
    krita.drag((middle[0] - 70, middle[1] - 50), (middle[0] + 70, middle[1] + 50))
    bounds = krita.until(lambda: krita.call("selection"), "the dragged selection")
    assert 130 <= bounds[2] <= 150
    before = exported(krita, tmp_path / "before.png")

    fill_form(krita, PROMPT)
    krita.call("longest_gap")
    generate(krita)
    wait_done(krita)
    gap = krita.call("longest_gap")

    layers = krita.call("layers")
    assert [layer["name"] for layer in layers] == ["Background", f"[bridge] {PROMPT} (7)"]
    alpha = layer_pixels(krita, tmp_path / "layer", layers[1]["name"], WIDTH, HEIGHT)[..., 3]
    assert (alpha[bounds_mask(bounds, WIDTH, HEIGHT)] == 255).mean() > 0.9
    after = exported(krita, tmp_path / "after.png")
    check_only_inside_changed(before, after, alpha, bounds)
    krita.screenshot(ARTEFACTS / "filled.png")
    (ARTEFACTS / "longest_gap_ms.txt").write_text(f"{gap}\n")

    krita.key("ctrl+z")
    krita.until(lambda: len(krita.call("layers")) == 1, "the undone layer to be gone")
    assert krita.call("selection") == bounds
    assert np.array_equal(before, exported(krita, tmp_path / "undone.png"))


def test_a_soft_selection_far_from_the_corner_of_a_large_picture(krita: RunningKrita, tmp_path: Path):
    width, height = 1400, 900
    fresh_document(krita, "soft", width, height)
    bounds = [1150, 700, 160, 120]
    krita.call("select_soft_ellipse", x=bounds[0], y=bounds[1], width=bounds[2], height=bounds[3])
    before = exported(krita, tmp_path / "before.png")
    fill_form(krita, PROMPT)
    krita.key("ctrl+Return")
    wait_done(krita)
    (_, layer) = krita.call("layers")
    alpha = layer_pixels(krita, tmp_path / "layer", layer["name"], width, height)[..., 3]
    check_only_inside_changed(before, exported(krita, tmp_path / "after.png"), alpha, bounds)
    assert alpha[760, 1230] == 255
    assert np.count_nonzero((alpha > 0) & (alpha < 255)) > 0


def test_without_a_selection_the_layer_has_the_documents_size(krita: RunningKrita, tmp_path: Path):
    fresh_document(krita, "whole", 320, 256)
    fill_form(krita, PROMPT, seed=11)
    generate(krita)
    wait_done(krita)
    (_, layer) = krita.call("layers")
    assert layer["name"] == f"[bridge] {PROMPT} (11)"
    assert layer["bounds"] == [0, 0, 320, 256]
    pixels = layer_pixels(krita, tmp_path / "layer", layer["name"], 320, 256)
    assert (pixels[..., 3] == 255).all()
    assert pixels[..., :3].std() > 5


def test_below_full_strength_the_layer_is_made_from_the_picture(krita: RunningKrita, tmp_path: Path):
    fresh_document(krita, "refine", 320, 256)
    before = exported(krita, tmp_path / "before.png")
    fill_form(krita, PROMPT, strength=30, steps=10)
    generate(krita)
    wait_done(krita)
    after = exported(krita, tmp_path / "after.png")
    coarse = [picture[..., :3].reshape(16, 16, 20, 16, 3).mean(axis=(1, 3)) for picture in (before, after)]
    assert np.corrcoef(coarse[0].ravel(), coarse[1].ravel())[0, 1] > 0.5
    assert not np.array_equal(before, after)


@pytest.mark.parametrize(("model", "depth"), [("RGBA", "U16"), ("RGBA", "F32"), ("CMYKA", "U8")], ids="".join)
def test_documents_of_any_colour_model_and_depth(krita: RunningKrita, tmp_path: Path, model: str, depth: str):
    fresh_document(krita, f"{model}{depth}", 256, 256, model=model, depth=depth)
    krita.call("select_rectangle", x=80, y=80, width=96, height=96)
    fill_form(krita, PROMPT, steps=2)
    generate(krita)
    wait_done(krita)
    (_, layer) = krita.call("layers")
    assert (layer["model"], layer["depth"]) == ("RGBA", "U8")
    pixels = layer_pixels(krita, tmp_path / "layer", layer["name"], 256, 256)
    assert pixels[128, 128, 3] == 255
    assert pixels[8, 8, 3] == 0
    krita.call("trigger", action="edit_undo")
    krita.until(lambda: len(krita.call("layers")) == 1, "the undone layer to be gone")


def test_the_result_goes_to_the_document_that_was_in_front_when_generate_was_pressed(krita: RunningKrita):
    fresh_document(krita, "first", 256, 256)
    fill_form(krita, PROMPT, steps=20)
    generate(krita)
    krita.call("new_document", name="second", width=256, height=256)
    assert krita.call("active") == "second"
    wait_done(krita)
    assert len(krita.call("layers", name="first")) == 2
    assert len(krita.call("layers", name="second")) == 1


def test_a_seed_drawn_at_random_is_shown_for_keeping(krita: RunningKrita):
    fresh_document(krita, "seed", 256, 256)
    fill_form(krita, PROMPT, steps=2)
    krita.call("set_checked", name="latent_bridge_random_seed", checked=True)
    generate(krita)
    wait_done(krita)
    (_, layer) = krita.call("layers")
    assert layer["name"].endswith(f"({krita.docker()['seed']})")


def test_a_selection_beside_the_picture_is_explained(krita: RunningKrita):
    fresh_document(krita, "beside", 256, 256)
    krita.call("select_rectangle", x=400, y=400, width=50, height=50)
    fill_form(krita, PROMPT)
    generate(krita)
    krita.wait_text("error", "outside the picture")
    assert krita.docker()["generate"]


def test_without_a_document_the_docker_says_so(krita: RunningKrita):
    fresh_document(krita, "last")
    krita.call("close_document", name="last")
    krita.call("trigger", action="latent_bridge_generate")
    krita.wait_text("error", "No picture is open")
