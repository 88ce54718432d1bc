"""Live generation through the real daemon and engine: who paints sees what a model makes of it."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from bridge.client import Bridge, LinkSettings, connect
from bridge.client.canvas import Canvas
from bridge.protocol.areas import Area
from bridge.protocol.canvases import CanvasLayer
from bridge.protocol.errors import ErrorCode
from bridge.protocol.live import LiveFrame, LiveInfo
from bridge.protocol.messages import JobProgress
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import TextToImage
from tests.ports import free_port

PATIENCE = 60.0
QUICK = LinkSettings(first_retry=0.05, last_retry=0.2)
SIDE = 96
MASK = CanvasLayer("mask", role="mask", format=PixelFormat.GRAY8)


def flat(value: int, width: int = SIDE, height: int = SIDE) -> Picture:
    return Picture(width, height, PixelFormat.RGBA8, bytes((value, value, value, 255)) * width * height)


class Seen:
    """What a program was told of live generation."""

    def __init__(self, canvas: Canvas) -> None:
        self.frames: list[LiveFrame] = []
        self.infos: list[LiveInfo] = []
        self._any = threading.Condition()
        self._live = canvas.live
        canvas.live.on_frame = self._frame
        canvas.live.on_info = self._info

    def _frame(self, frame: LiveFrame) -> None:
        with self._any:
            self.frames.append(frame)
            self._any.notify_all()

    def _info(self, info: LiveInfo) -> None:
        with self._any:
            self.infos.append(info)
            self._any.notify_all()

    def wait(self, enough: Callable[[], object], timeout: float = PATIENCE) -> None:
        with self._any:
            assert self._any.wait_for(enough, timeout), (self.frames[-3:], self.infos[-5:], self._live.error)

    def frame_of(self, revision: int, *, full: bool | None = None) -> LiveFrame:
        """The first frame that shows a revision or a newer one."""

        def found() -> list[LiveFrame]:
            return [f for f in self.frames if f.revision >= revision and full in (None, f.full)]

        self.wait(found)
        return found()[0]


@pytest.fixture
def ann(tiny_daemon) -> Iterator[Bridge]:
    with connect(tiny_daemon.url, token=tiny_daemon.token, client_name="Ann", settings=QUICK) as bridge:
        yield bridge


@pytest.fixture
def bob(tiny_daemon) -> Iterator[Bridge]:
    with connect(tiny_daemon.url, token=tiny_daemon.token, client_name="Bob", settings=QUICK) as bridge:
        yield bridge


@pytest.fixture
def name() -> str:
    return f"live {uuid.uuid4().hex[:8]}"


@pytest.fixture
def canvas(ann: Bridge, name: str) -> Iterator[Canvas]:
    canvas = ann.open_canvas(name, SIDE, SIDE, layers=(CanvasLayer("image"), MASK))
    yield canvas
    canvas.live.stop()
    canvas.close()


def test_who_paints_sees_what_the_model_makes_of_it(canvas: Canvas) -> None:
    seen = Seen(canvas)
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=2)
    seen.frame_of(0)
    canvas.patch(0, 0, flat(200))
    frame = seen.frame_of(1)
    assert frame.area == Area(0, 0, SIDE, SIDE)
    stamps = frame.stamps
    times = (stamps.captured, stamps.received, stamps.started, stamps.encoded, stamps.denoised, stamps.decoded)
    assert list(times) == sorted(times)
    assert stamps.decoded <= stamps.sent <= time.time()


def test_nothing_is_computed_while_nothing_changes(canvas: Canvas) -> None:
    seen = Seen(canvas)
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=2, rest_seconds=0.05)
    seen.wait(lambda: canvas.live.info.state == "waiting" and seen.frames)
    count = len(seen.frames)
    time.sleep(0.5)
    assert len(seen.frames) == count


def test_when_the_pen_rests_a_frame_at_full_quality_follows(canvas: Canvas) -> None:
    seen = Seen(canvas)
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=12, draft_steps=2, rest_seconds=0.1)
    first = seen.frame_of(0)
    assert not first.full
    full = seen.frame_of(0, full=True)
    assert full.revision == first.revision


def test_a_draft_that_is_as_good_is_said_to_be_and_not_made_again(canvas: Canvas) -> None:
    seen = Seen(canvas)
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=2, draft_seconds=10, rest_seconds=0.05)
    seen.frame_of(0)
    canvas.patch(0, 0, flat(60))
    frame = seen.frame_of(1)
    assert frame.full
    seen.wait(lambda: canvas.live.info.state == "waiting")
    time.sleep(0.3)
    assert seen.frames[-1] is frame


def test_nothing_is_computed_when_nobody_watches(canvas: Canvas) -> None:
    seen = Seen(canvas)
    canvas.live.start(prompt="a", steps=2)
    seen.wait(lambda: canvas.live.info.state == "waiting")
    canvas.patch(0, 0, flat(10))
    time.sleep(0.5)
    assert not [info for info in seen.infos if info.state == "running"]


def test_every_watcher_has_its_own_size(canvas: Canvas, bob: Bridge, name: str) -> None:
    his = bob.open_canvas(name)
    mine, other = Seen(canvas), Seen(his)
    canvas.live.watch()
    his.live.watch(side=32)
    canvas.live.start(prompt="a", steps=2)
    assert mine.frame_of(0).picture.width > 32
    assert other.frame_of(0).picture.width == 32
    his.close()


def test_anybody_may_change_what_is_made(canvas: Canvas, bob: Bridge, name: str) -> None:
    his = bob.open_canvas(name)
    seen = Seen(canvas)
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=2, seed=1)
    first = seen.frame_of(0)
    Seen(his).wait(lambda: his.live.info.settings is not None)
    his.live.start(seed=2)
    seen.wait(lambda: seen.frames[-1].picture != first.picture)
    settings = canvas.live.info.settings
    assert settings is not None
    assert (settings.prompt, settings.seed) == ("a", 2)
    his.live.stop()
    seen.wait(lambda: canvas.live.info.state == "off")
    his.close()


def test_settings_that_change_while_a_frame_waits_its_turn_are_those_of_the_frame(canvas: Canvas, bob: Bridge) -> None:
    his = bob.open_canvas(f"live {uuid.uuid4().hex[:8]}", SIDE, SIDE)
    seen = Seen(his)
    his.live.watch()
    his.live.start(prompt="a", steps=2, seed=5, draft_seconds=10, rest_seconds=0.05)

    def settled(seed: int, count: int) -> Picture:
        """The last frame that is made with a seed."""
        seen.wait(lambda: len(seen.frames) > count and his.live.info.state == "waiting")
        assert his.live.info.settings.seed == seed
        return seen.frames[-1].picture

    settled(5, 0)  # from now on it is known that this device has the time for frames at full quality
    for seed in (4, 1):
        count = len(seen.frames)
        his.live.start(seed=seed)
        pictures = [settled(seed, count)]
    assert seen.frames[-1].full
    assert len(seen.frames) == count + 1
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=150, draft_steps=150, draft_seconds=10)
    Seen(canvas).wait(lambda: canvas.live.info.state == "running")
    count = len(seen.frames)
    his.live.start(seed=3)
    time.sleep(0.2)  # the daemon has it, and the frame waits
    his.live.start(seed=2)
    pictures.append(settled(2, count))
    for seed in (1, 2):
        count = len(seen.frames)
        his.live.start(seed=seed)
        pictures.append(settled(seed, count))
    assert pictures[0] == pictures[2] != pictures[1] == pictures[3]
    his.live.stop()
    his.close()


def test_a_part_of_the_canvas_is_enough(canvas: Canvas) -> None:
    seen = Seen(canvas)
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=2, area=Area(32, 16, 64, 48), full=False)
    first = seen.frame_of(0)
    assert first.area == Area(32, 16, 64, 48)
    canvas.patch(0, 0, flat(9, 16, 16))  # beyond it
    assert canvas.settle(10)
    time.sleep(0.4)
    assert seen.frames[-1].revision == first.revision
    canvas.patch(40, 20, flat(9, 8, 8))
    seen.frame_of(2)


def test_a_lost_selection_pauses_instead_of_taking_the_whole_canvas(canvas: Canvas) -> None:
    seen = Seen(canvas)
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=2, area=None, needs_area=True)
    seen.wait(lambda: canvas.live.info.state == "paused")
    assert canvas.live.info.reason is not None
    assert canvas.live.info.reason.field == "settings.area"
    canvas.live.start(area=Area(0, 0, 64, 64))
    assert seen.frame_of(0).area == Area(0, 0, 64, 64)


def test_only_what_is_masked_is_repainted_and_an_empty_mask_pauses(canvas: Canvas) -> None:
    seen = Seen(canvas)
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=4, strength=0.8, mask="mask")
    seen.wait(lambda: canvas.live.info.state == "paused")
    canvas.patch(48, 0, Picture(48, SIDE, PixelFormat.GRAY8, b"\xff" * 48 * SIDE), layer="mask")
    frame = seen.frame_of(1)
    width, height = frame.picture.width, frame.picture.height
    alpha = np.frombuffer(frame.picture.pixels, np.uint8).reshape(height, width, 4)[..., 3]
    assert alpha[:, : width // 2 - 4].max() == 0
    assert alpha[:, width // 2 + 4 :].min() == 255


def test_an_error_pauses_with_its_reason(canvas: Canvas) -> None:
    seen = Seen(canvas)
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=2, scheduler="nonsense")
    seen.wait(lambda: canvas.live.info.state == "paused")
    assert canvas.live.info.reason is not None
    assert "nonsense" in canvas.live.info.reason.message
    canvas.patch(0, 0, flat(1))
    time.sleep(0.3)
    assert canvas.live.info.state == "paused"
    canvas.live.start(scheduler="")
    seen.frame_of(0)


def test_settings_that_cannot_be_are_refused_and_what_was_goes_on(canvas: Canvas) -> None:
    seen = Seen(canvas)
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=2)
    seen.frame_of(0)
    canvas.live.start(model="nowhere")
    seen.wait(lambda: canvas.live.error is not None)
    assert canvas.live.error is not None
    assert canvas.live.error.code is ErrorCode.UNKNOWN_MODEL
    canvas.patch(0, 0, flat(77))
    seen.frame_of(1)


def test_frames_come_while_a_job_runs(canvas: Canvas, ann: Bridge) -> None:
    seen = Seen(canvas)
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=2, full=False)
    seen.frame_of(0)
    running = threading.Event()
    job = ann.submit(
        TextToImage(prompt="a", width=64, height=64, steps=140, seed=1),
        on_event=lambda _, event: running.set() if isinstance(event, JobProgress) and event.step else None,
    )
    assert running.wait(PATIENCE)
    for value in range(3):
        canvas.patch(0, 0, flat(value))
        assert canvas.settle(10)
        seen.frame_of(canvas.revision)
        assert not job.ended
    job.result(PATIENCE)


def test_after_a_crash_of_the_engine_live_goes_on(canvas: Canvas, ann: Bridge) -> None:
    seen = Seen(canvas)
    canvas.live.watch()
    canvas.live.start(prompt="a", steps=2)
    seen.frame_of(0)
    os.kill(ann.ping().engine_pid, signal.SIGKILL)
    canvas.patch(0, 0, flat(50))
    seen.frame_of(1)


def test_after_a_restart_of_the_daemon_live_goes_on(daemon_factory, tiny_model, name: str) -> None:
    daemon = daemon_factory("--model", str(tiny_model), port=free_port())
    with connect(daemon.url, token=daemon.token, settings=QUICK) as bridge:
        canvas = bridge.open_canvas(name, SIDE, SIDE)
        canvas.patch(0, 0, flat(120))
        seen = Seen(canvas)
        canvas.live.watch()
        canvas.live.start(prompt="a", steps=2, full=False)
        before = seen.frame_of(0)
        daemon.kill()
        daemon.start()
        count = len(seen.frames)
        seen.wait(lambda: len(seen.frames) > count)
        assert seen.frames[-1].picture == before.picture


def test_a_daemon_that_ends_in_the_middle_of_it_ends_without_a_complaint(daemon_factory, tiny_model, name: str) -> None:
    daemon = daemon_factory("--model", str(tiny_model))
    with connect(daemon.url, token=daemon.token, settings=QUICK) as bridge:
        canvas = bridge.open_canvas(name, SIDE, SIDE)
        seen = Seen(canvas)
        canvas.live.watch()
        canvas.live.start(prompt="a", steps=2)
        seen.frame_of(0)
        assert daemon.stop() == 0
    assert "error" not in daemon.log_file.read_text()
