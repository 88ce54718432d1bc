"""Pixels over links of different speeds, with a real daemon: packed where the link is slow, raw where it is not."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest

from benchmarks.throttle import ThrottledLink
from bridge.client import LinkSettings, connect
from bridge.protocol.canvases import PatchCanvas, Piece
from bridge.protocol.frames import decode_frame, encode_frame
from bridge.protocol.link_speed import LinkSpeed
from bridge.protocol.messages import Error, Ping, Pong
from bridge.protocol.packing import Packing
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.wire import encode_message
from tests.daemon.peer import Peer

SLOW = 32e6
"""Bits in a second: half a megabyte takes an eighth of a second."""
LEARNING = 4
"""Pictures after which an end has found out that a link that looked like this machine is slow."""
BY_SOCKET = LinkSettings(share_files=False)


def smooth(value: int, side: int = 360) -> Picture:
    """Half a megabyte that packs well."""
    return Picture(side, side, PixelFormat.RGBA8, bytes((column + value) % 256 for column in range(side * 4)) * side)


def noise(side: int = 360) -> Picture:
    return Picture(side, side, PixelFormat.RGBA8, random.Random(3).randbytes(side * side * 4))


@pytest.fixture
def through(tiny_daemon):
    """Connect through a link of so many bits in a second; 0 for as quick as this machine is."""
    opened = []

    def connected(bits_per_second, **settings):
        link = ThrottledLink(tiny_daemon.port, bits_per_second).__enter__()
        bridge = connect(f"127.0.0.1:{link.port}", token=tiny_daemon.token, settings=replace(BY_SOCKET, **settings))
        opened.append((link, bridge))
        return link, bridge

    yield connected
    for link, bridge in opened:
        bridge.close()
        link.__exit__(None, None, None)


def sizes_sent(link, canvas, pictures):
    """Bytes that went through the link for each picture put on the canvas."""
    sizes = []
    for picture in pictures:
        before = link.sent_bytes
        canvas.patch(0, 0, picture)
        assert canvas.settle(30)
        sizes.append(link.sent_bytes - before)
    return sizes


def test_what_a_client_sends_over_a_slow_link_is_packed_once_that_is_known(through):
    link, bridge = through(SLOW)
    canvas = bridge.open_canvas("slow there", 360, 360)
    pictures = [smooth(value) for value in range(LEARNING + 1)]
    sizes = sizes_sent(link, canvas, pictures)
    assert sizes[0] > pictures[0].nbytes
    assert sizes[-1] < pictures[-1].nbytes / 10


def test_what_a_client_sends_on_one_machine_is_raw(through):
    link, bridge = through(0)
    canvas = bridge.open_canvas("quick there", 360, 360)
    assert min(sizes_sent(link, canvas, [smooth(1)])) > smooth(1).nbytes


def test_nothing_is_packed_where_that_is_not_wanted(through):
    link, bridge = through(SLOW, pack=False)
    canvas = bridge.open_canvas("not wanted", 360, 360)
    assert min(sizes_sent(link, canvas, [smooth(value) for value in range(LEARNING)])) > smooth(0).nbytes
    before = link.returned_bytes
    _, other = through(0)
    other.open_canvas("not wanted").patch(0, 0, smooth(9))
    arrives(canvas, smooth(9))
    assert link.returned_bytes - before > smooth(9).nbytes


def test_noise_is_sent_raw_over_any_link(through):
    link, bridge = through(SLOW)
    canvas = bridge.open_canvas("noise", 360, 360)
    sizes_sent(link, canvas, [smooth(value) for value in range(LEARNING)])
    assert sizes_sent(link, canvas, [noise()])[0] > noise().nbytes


def test_what_the_daemon_sends_over_a_slow_link_is_packed_once_that_is_known(through):
    link, reader = through(SLOW)
    _, writer = through(0)
    theirs = writer.open_canvas("slow back", 360, 360)
    ours = reader.open_canvas("slow back")
    sizes = []
    for value in range(LEARNING + 2):
        before = link.returned_bytes
        theirs.patch(0, 0, smooth(value))
        assert theirs.settle(30)
        arrives(ours, smooth(value))
        sizes.append(link.returned_bytes - before)
    assert sizes[0] > smooth(0).nbytes
    assert sizes[-1] < smooth(0).nbytes / 10


def test_packed_pixels_are_the_same_pixels(through):
    """Those of a canvas that went there packed, and come back to another client raw."""
    link, bridge = through(SLOW)
    canvas = bridge.open_canvas("the same", 360, 360)
    sizes = sizes_sent(link, canvas, [smooth(value) for value in range(LEARNING + 1)])
    assert sizes[-1] < smooth(0).nbytes
    _, other = through(0)
    assert other.open_canvas("the same").read() == smooth(LEARNING)


def test_damaged_pixels_cost_the_message_that_has_them_and_nothing_else(tiny_daemon):
    piece = Piece(0, 0, smooth(1))
    patch = PatchCanvas(request_id=5, canvas="damaged", layer="image", pieces=(piece,))
    packing = Packing(LinkSpeed(1e5, 0.0))
    frame = decode_frame(encode_message(patch, packing=packing))
    assert frame.header["body"]["pieces"][0]["picture"]["encoding"] == "planes"
    with Peer(tiny_daemon.url, tiny_daemon.token) as peer:
        peer.socket.send(encode_frame(frame.header, [bytes(frame.blobs[0])[:-9]]))
        refusal = peer.receive()
        assert isinstance(refusal, Error)
        assert (refusal.request_id, refusal.error.field) == (5, "pieces[0].picture")
        peer.send(Ping(request_id=6))
        assert isinstance(peer.receive(), Pong)


def arrives(canvas, picture, patience=30.0):
    """Wait until a canvas shows a picture."""
    deadline = time.monotonic() + patience
    while canvas.read() != picture:
        assert time.monotonic() < deadline, "it did not arrive"
        time.sleep(0.01)
