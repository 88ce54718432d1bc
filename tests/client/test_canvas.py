"""Canvases through the real daemon: what one program paints, the others have."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path

import numpy as np
import pytest

from bridge.client import Bridge, LinkSettings, connect
from bridge.protocol.areas import Area
from bridge.protocol.canvases import CanvasLayer
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from tests.ports import free_port

QUICK = LinkSettings(first_retry=0.05, last_retry=0.2)
RNG = np.random.default_rng(8)
MASK = CanvasLayer("mask", role="mask", format=PixelFormat.GRAY8)


def noise(width: int, height: int) -> Picture:
    return Picture(width, height, PixelFormat.RGBA8, RNG.integers(0, 256, width * height * 4, np.uint8).tobytes())


@pytest.fixture
def name() -> str:
    return f"canvas {uuid.uuid4().hex[:8]}"


@pytest.fixture
def ann(daemon):
    with connect(daemon.url, token=daemon.token, client_name="Ann", settings=QUICK) as bridge:
        yield bridge


@pytest.fixture
def bob(daemon):
    with connect(daemon.url, token=daemon.token, client_name="Bob", settings=QUICK) as bridge:
        yield bridge


class Heard:
    """What a canvas told its owner."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, tuple[Area, ...], bool]] = []
        self._any = threading.Condition()

    def __call__(self, canvas, layer, areas, lost) -> None:
        with self._any:
            self.changes.append((layer, areas, lost))
            self._any.notify_all()

    def wait(self, enough, timeout: float = 10.0) -> bool:
        with self._any:
            return self._any.wait_for(enough, timeout)


def test_what_one_paints_the_other_has(ann: Bridge, bob: Bridge, name: str):
    heard = Heard()
    hers = ann.open_canvas(name, 300, 200)
    his = bob.open_canvas(name, on_change=heard)
    dab = noise(64, 64)
    hers.patch(100, 50, dab)
    assert heard.wait(lambda: heard.changes)
    assert heard.changes == [("image", (Area(100, 50, 64, 64),), False)]
    assert his.read(Area(100, 50, 64, 64)) == dab
    assert his.read() == hers.read()
    assert hers.settle(10)
    assert hers.revision == his.revision == 1


def test_a_large_change_goes_through_a_file_that_is_gone_afterwards(ann: Bridge, daemon, name: str):
    canvas = ann.open_canvas(name, 300, 200)
    large, inbox = noise(300, 200), Path(ann.welcome.inbox)
    canvas.patch(0, 0, large)
    assert canvas.settle(10)
    assert canvas.error is None
    assert not list(inbox.iterdir())
    with connect(daemon.url, token=daemon.token, settings=LinkSettings(share_files=False)) as elsewhere:
        other = elsewhere.open_canvas(name)
        assert other.settle(10)
        assert bytes(other.read().pixels) == large.pixels


def test_whoever_comes_later_gets_what_is_there_and_its_size(ann: Bridge, bob: Bridge, name: str):
    hers = ann.open_canvas(name, 700, 300, layers=(CanvasLayer("image"), MASK))
    hers.patch(0, 0, noise(700, 300))
    hers.patch(650, 250, Picture(50, 50, PixelFormat.GRAY8, b"\xff" * 2500), layer="mask")
    assert hers.settle(10)
    his = bob.open_canvas(name, 64, 64)
    assert (his.width, his.height, [layer.name for layer in his.layers]) == (700, 300, ["image", "mask"])
    assert his.read() == hers.read()
    assert his.read(layer="mask") == hers.read(layer="mask")


def test_everybody_knows_who_is_there(ann: Bridge, bob: Bridge, name: str):
    hers = ann.open_canvas(name, 10, 10)
    his = bob.open_canvas(name)
    assert his.members == ("Ann", "Bob")
    his.close()
    listed = {canvas.name: canvas.members for canvas in bob.list_canvases()}
    assert listed[name] == ("Ann",)
    hers.patch(0, 0, noise(1, 1))
    assert hers.settle(10)
    assert hers.members == ("Ann",)


def test_two_who_write_at_the_same_time_have_the_same_in_the_end(ann: Bridge, bob: Bridge, name: str):
    hers = ann.open_canvas(name, 256, 256)
    his = bob.open_canvas(name)

    def scribble(canvas, seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(100):
            x, y = (int(value) for value in rng.integers(0, 192, 2))
            canvas.patch(x, y, noise(64, 64))

    threads = [threading.Thread(target=scribble, args=pair) for pair in ((hers, 1), (his, 2))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hers.settle(20)
    assert his.settle(20)
    # Each has its own answers; what the other did last may still be on its way.
    ann.ping()
    bob.ping()
    assert hers.read() == his.read()
    assert hers.revision == his.revision == 200


def test_a_client_that_lost_its_connection_compares_and_goes_on(ann: Bridge, bob: Bridge, name: str):
    hers = ann.open_canvas(name, 600, 600)
    heard = Heard()
    his = bob.open_canvas(name, on_change=heard)
    drop(bob)
    his.patch(0, 0, mine := noise(20, 20))
    hers.patch(300, 300, noise(20, 20))
    assert hers.settle(10)
    assert heard.wait(lambda: his.settle(0))
    assert his.read() == hers.read()
    assert hers.read(Area(0, 0, 20, 20)) == mine
    areas = [area for _, areas, _ in heard.changes for area in areas]
    assert sum(area.pixels for area in areas) < 600 * 600, "only the blocks that differ"


def test_a_daemon_that_was_killed_gets_the_canvas_back_from_who_has_it(daemon_factory, name: str):
    daemon = daemon_factory(port=free_port())
    with (
        connect(daemon.url, token=daemon.token, settings=QUICK) as ann,
        connect(daemon.url, token=daemon.token, settings=QUICK) as bob,
    ):
        hers, his = ann.open_canvas(name, 300, 300), bob.open_canvas(name)
        hers.patch(10, 10, noise(280, 280))
        assert hers.settle(10)
        daemon.kill()
        his.patch(0, 0, noise(8, 8))
        daemon.start()
        assert his.settle(20)
        assert hers.settle(20)
        ann.ping()
        bob.ping()
        assert hers.read() == his.read()
        assert any(hers.read(Area(20, 20, 9, 9)).pixels)


def test_a_canvas_that_nobody_made_cannot_be_opened(ann: Bridge):
    with pytest.raises(BridgeError) as caught:
        ann.open_canvas("nothing of that name")
    assert caught.value.code is ErrorCode.UNKNOWN_CANVAS
    assert caught.value.hint


@pytest.mark.parametrize(
    ("size", "code"), [((60000, 60000), ErrorCode.TOO_MANY_PIXELS), ((70000, 1), ErrorCode.INVALID_FIELD)]
)
def test_a_canvas_that_is_too_large_is_refused(ann: Bridge, name: str, size, code):
    with pytest.raises(BridgeError) as caught:
        ann.open_canvas(name, *size)
    assert caught.value.code is code


def test_layers_need_names_of_their_own(ann: Bridge, name: str):
    with pytest.raises(BridgeError, match="each of another name"):
        ann.open_canvas(name, 10, 10, layers=(CanvasLayer("image"), CanvasLayer("image")))


def test_the_reason_of_a_refused_change_stands_until_a_later_one_is_accepted(daemon_factory, name: str):
    strict = daemon_factory("--max-message-mb", "1")
    with connect(strict.url, token=strict.token) as bridge:
        canvas = bridge.open_canvas(name, 600, 600)
        canvas.patch(0, 0, noise(600, 600))
        assert canvas.settle(10)
        assert canvas.error is not None
        assert canvas.error.code is ErrorCode.MESSAGE_TOO_LARGE
        assert bytes(canvas.read().pixels) == bytes(600 * 600 * 4)  # as it is for everybody else
        canvas.patch(0, 0, noise(64, 64))
        assert canvas.settle(10)
        assert canvas.error is None


def test_what_does_not_fit_is_refused_here_and_changes_nothing(ann: Bridge, name: str):
    canvas = ann.open_canvas(name, 10, 10)
    with pytest.raises(BridgeError, match="reaches over the edge"):
        canvas.patch(5, 5, noise(6, 5))
    with pytest.raises(BridgeError, match="no layer"):
        canvas.patch(0, 0, noise(1, 1), layer="ink")
    with pytest.raises(BridgeError, match="not on the canvas"):
        canvas.read(Area(9, 9, 2, 2))
    assert canvas.settle(10)
    assert canvas.revision == 0


def test_the_same_canvas_is_opened_once_by_a_program(ann: Bridge, name: str):
    canvas = ann.open_canvas(name, 10, 10)
    with pytest.raises(BridgeError, match="open already"):
        ann.open_canvas(name)
    canvas.close()
    assert ann.open_canvas(name).width == 10


def test_a_closed_canvas_is_neither_read_nor_written(ann: Bridge, name: str):
    canvas = ann.open_canvas(name, 10, 10)
    canvas.close()
    with pytest.raises(BridgeError, match="is closed"):
        canvas.read()
    with pytest.raises(BridgeError, match="is closed"):
        canvas.patch(0, 0, noise(1, 1))


def drop(bridge: Bridge) -> None:
    """Lose the connection without a word."""
    import socket

    bridge._link._socket.socket.shutdown(socket.SHUT_RDWR)  # what a pulled cable does, which no public call can
