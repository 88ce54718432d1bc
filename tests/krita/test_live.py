"""Painting in a real Krita with the mouse: the model follows, and other programs share the canvas."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.client import Bridge, connect
from bridge.client.canvas import Canvas
from bridge.protocol.pixels import Picture, PixelFormat

from .conftest import ARTEFACTS
from .harness.running import RunningKrita
from .scenes import exported, fresh_document, layer_pixels

pytestmark = pytest.mark.krita

SIDE = 512
LIVE_DOCKER = "latent_bridge_live_docker"


@pytest.fixture(scope="module")
def krita(krita_factory, tiny_daemon) -> Iterator[RunningKrita]:
    """One Krita for all scenarios of this module, connected to the daemon."""
    running = krita_factory(tiny_daemon.home)
    running.wait_text("connection", "Connected")
    running.call("show_docker", name=LIVE_DOCKER, height=520)
    yield running
    assert running.quit() == 0


@pytest.fixture(scope="module")
def other(tiny_daemon) -> Iterator[Bridge]:
    """Another program."""
    with connect(tiny_daemon.url, token=tiny_daemon.token, client_name="other") as bridge:
        yield bridge


@pytest.fixture
def painting(krita: RunningKrita) -> Iterator[str]:
    """A document in front, whose name no other has; live is off again afterwards."""
    name = f"painting {uuid.uuid4().hex[:6]}"
    fresh_document(krita, name, SIDE, SIDE)
    yield name
    if krita.call("live")["on"]:
        krita.call("trigger", action="latent_bridge_live")
    krita.until(lambda: not krita.call("live")["on"], "live to be off")


def switch_on(krita: RunningKrita) -> None:
    """Press Live and wait for a frame."""
    krita.click("live")
    krita.until(lambda: krita.widget("live_apply").enabled, "a frame")


def stroke(krita: RunningKrita, dx: int = 60) -> None:
    """Draw across the middle of the canvas with the mouse."""
    krita.call("use_tool", name="KritaShape/KisToolBrush")
    x, y, width, height = krita.call("canvas")
    middle = (x + width // 2, y + height // 2)
    krita.drag((middle[0] - dx, middle[1] - 20), (middle[0] + dx, middle[1] + 20), steps=16)


def pixels_of(canvas: Canvas) -> np.ndarray:
    """The canvas as the other program has it, RGBA."""
    return np.frombuffer(canvas.read().pixels, np.uint8).reshape(canvas.height, canvas.width, 4).astype(int)


def resting(canvas: Canvas) -> int:
    """Revision of a canvas that nobody paints on any more."""
    revision, since = canvas.revision, time.monotonic()
    while time.monotonic() - since < 1.0:
        time.sleep(0.05)
        if canvas.revision != revision:
            revision, since = canvas.revision, time.monotonic()
    return revision


def test_a_stroke_is_sent_and_its_frame_shown_and_nothing_when_nothing_is_painted(
    krita: RunningKrita, other: Bridge, painting: str, tmp_path: Path
) -> None:
    switch_on(krita)
    canvas = other.open_canvas(f"krita: {painting}")
    before = resting(canvas)
    assert np.array_equal(pixels_of(canvas), exported(krita, tmp_path / "before.png"))
    assert resting(canvas) == before
    frames: list[int] = []
    canvas.live.on_frame = lambda frame: frames.append(frame.revision)
    canvas.live.watch()
    stroke(krita)
    krita.until(lambda: frames and frames[-1] > before, "a frame that shows the stroke")
    after = resting(canvas)
    assert np.array_equal(pixels_of(canvas), exported(krita, tmp_path / "after.png"))
    krita.screenshot(ARTEFACTS / "live.png")
    krita.click("live")
    krita.until(lambda: not krita.call("live")["on"], "live to be off")
    stroke(krita, dx=90)
    assert resting(canvas) == after
    canvas.close()


def test_the_picture_becomes_a_layer_in_one_step_of_undo(krita: RunningKrita, painting: str, tmp_path: Path) -> None:
    switch_on(krita)
    krita.click("live_apply")
    krita.until(lambda: len(krita.call("layers")) == 2, "the new layer")
    (_, layer) = krita.call("layers")
    assert layer["bounds"] == [0, 0, SIDE, SIDE]
    assert layer_pixels(krita, tmp_path / "layer", layer["name"], SIDE, SIDE)[..., 3].min() == 255
    krita.call("trigger", action="edit_undo")
    krita.until(lambda: len(krita.call("layers")) == 1, "the undone layer to be gone")


def test_frames_are_recorded_as_numbered_files(krita: RunningKrita, painting: str, tmp_path: Path) -> None:
    switch_on(krita)
    krita.click("live_record")
    krita.until(lambda: krita.call("modal"), "the question for a folder")
    krita.type_text(str(tmp_path))
    krita.key("Return")
    krita.until(lambda: "recorded" in krita.call("live")["text"], "the recording to begin")
    stroke(krita)
    krita.until(lambda: (tmp_path / "frame 00001.png").is_file(), "the first file")
    krita.click("live_record")
    krita.until(lambda: "recorded" not in krita.call("live")["text"], "the recording to end")
    assert Image.open(tmp_path / "frame 00001.png").size == (SIDE, SIDE)


def test_a_selection_is_repainted_alone_and_live_pauses_when_it_is_lost(krita: RunningKrita, painting: str) -> None:
    krita.call("select_rectangle", x=200, y=200, width=100, height=80)
    switch_on(krita)
    assert krita.call("live")["selected"]
    krita.call("trigger", action="deselect")
    krita.until(lambda: krita.call("live")["error"], "why it pauses")
    assert "Paused" in krita.call("live")["text"]
    krita.screenshot(ARTEFACTS / "live_paused.png")


def test_a_canvas_of_another_program_is_painted_on_together(krita: RunningKrita, other: Bridge, tmp_path: Path) -> None:
    name = f"blender: {uuid.uuid4().hex[:6]}"
    canvas = other.open_canvas(name, SIDE, SIDE)
    canvas.patch(0, 0, Picture(SIDE, SIDE, PixelFormat.RGBA8, bytes((200, 120, 40, 255)) * SIDE * SIDE))
    krita.until(lambda: name in krita.call("live")["canvases"], "the canvas in the list")
    krita.call("choose_canvas", name=name)
    krita.click("open_canvas")
    krita.until(lambda: krita.call("active") == name, "the document")
    assert np.array_equal(exported(krita, tmp_path / "opened.png"), pixels_of(canvas))

    before = resting(canvas)
    stroke(krita)
    assert resting(canvas) > before
    assert np.array_equal(exported(krita, tmp_path / "painted.png"), pixels_of(canvas))

    canvas.patch(30, 40, Picture(50, 60, PixelFormat.RGBA8, bytes((9, 200, 30, 255)) * 50 * 60))
    revision = resting(canvas)
    shown = exported(krita, tmp_path / "both.png")
    assert tuple(shown[70, 60]) == (9, 200, 30, 255)
    assert np.array_equal(shown, pixels_of(canvas))
    assert canvas.revision == revision
    canvas.close()


def test_a_program_that_starts_krita_for_a_canvas_finds_it_open(krita_factory, tiny_daemon, other: Bridge) -> None:
    name = f"blender: {uuid.uuid4().hex[:6]}"
    canvas = other.open_canvas(name, 128, 96)
    started = krita_factory(tiny_daemon.home, LATENT_BRIDGE_CANVAS=name)
    started.until(lambda: started.call("active") == name, "the document")
    started.until(lambda: len(canvas.members) == 2, "Krita among those who have it open")
    canvas.close()
    assert started.quit() == 0


@pytest.mark.parametrize("resolution", [72.0, 300.0])
def test_the_picture_lies_over_the_canvas_while_nobody_paints_and_is_no_part_of_the_document(
    krita: RunningKrita, painting: str, tmp_path: Path, resolution: float
):
    krita.call("new_document", name=f"{painting} {resolution}", width=SIDE, height=SIDE, resolution=resolution)
    krita.call("use_tool", name="KritaShape/KisToolBrush")
    before, undo = exported(krita, tmp_path / "before.png"), krita.call("undo_steps")
    krita.call("set_live_on_canvas", wanted=True)
    try:
        switch_on(krita)
        krita.until(lambda: krita.call("overlay"), "the picture over the canvas")
        assert np.array_equal(exported(krita, tmp_path / "after.png"), before)
        assert (len(krita.call("layers")), krita.call("undo_steps")) == (1, undo)
        x, y, width, height = krita.call("overlay")
        krita.screenshot(ARTEFACTS / f"live_on_canvas_{resolution:.0f}.png")
        over = screenshot(krita, tmp_path / "over.png")[y : y + height, x : x + width]

        krita.hold(x + width // 2, y + height // 2)
        krita.until(lambda: krita.call("overlay") is None, "it to go as soon as the pen comes down")
        krita.let_go(x + width // 2 + 40, y + height // 2)
        krita.until(lambda: krita.call("overlay"), "it to come back when the pen rests")
        krita.call("trigger", action="latent_bridge_live")
        krita.until(lambda: krita.call("overlay") is None, "it to go with live generation")

        # What it lay over is the document, no more and no less.
        krita.key("ctrl+z")
        krita.until(lambda: krita.call("undo_steps") == undo, "the undone stroke")
        shown = np.zeros((height, width, 3))

        def settled() -> bool:
            before, shown[...] = shown.copy(), screenshot(krita, tmp_path / "s.png")[y : y + height, x : x + width]
            return np.array_equal(before, shown)

        krita.until(settled, "the canvas to be at rest")
        assert (width, height) == (SIDE, SIDE)
        other = np.abs(shown - before[..., :3]).max(axis=-1) > 2
        assert other.mean() < 0.01  # Krita draws the brush's outline there
        assert np.abs(shown - over).mean() > 2
    finally:
        krita.call("set_live_on_canvas", wanted=False)


def screenshot(krita: RunningKrita, path: Path) -> np.ndarray:
    """The screen, RGB."""
    krita.screenshot(path)
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)
