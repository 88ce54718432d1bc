"""The pixels of a layer: parts in, parts out, and what differs."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.protocol.areas import Area
from bridge.protocol.canvas_pixels import CanvasPixels
from bridge.protocol.canvases import BLOCK_SIDE, CanvasLayer, PatchCanvas, Piece
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.wire import encode_message

RNG = np.random.default_rng(3)


def layer(width: int, height: int, pixel_format: PixelFormat = PixelFormat.RGBA8) -> CanvasPixels:
    return CanvasPixels(CanvasLayer("image", format=pixel_format), width, height)


def piece(x: int, y: int, width: int, height: int, pixel_format: PixelFormat = PixelFormat.RGBA8) -> Piece:
    pixels = RNG.integers(0, 256, width * height * pixel_format.bytes_per_pixel, dtype=np.uint8).tobytes()
    return Piece(x, y, Picture(width, height, pixel_format, pixels))


def test_a_new_layer_is_transparent_black():
    assert not any(layer(5, 3).piece(Area(0, 0, 5, 3)).picture.pixels)


@pytest.mark.parametrize("pixel_format", list(PixelFormat))
def test_what_was_put_somewhere_is_found_there_and_nothing_else_has_changed(pixel_format):
    canvas = layer(90, 70, pixel_format)
    size = pixel_format.bytes_per_pixel
    expected = np.zeros((70, 90, size), np.uint8)
    for x, y, width, height in [(0, 0, 90, 70), (3, 5, 20, 30), (89, 69, 1, 1), (10, 10, 50, 1)]:
        new = piece(x, y, width, height, pixel_format)
        assert canvas.put(new) == Area(x, y, width, height)
        expected[y : y + height, x : x + width] = np.frombuffer(new.picture.pixels, np.uint8).reshape(
            height, width, size
        )
    assert canvas.piece(canvas.everything).picture.pixels == expected.tobytes()
    assert canvas.piece(Area(2, 4, 30, 9)).picture.pixels == expected[4:13, 2:32].tobytes()


@pytest.mark.parametrize("wrong", [piece(5, 0, 6, 5), piece(0, 8, 1, 3), piece(0, 0, 2, 2, PixelFormat.RGB8)])
def test_what_does_not_belong_on_the_layer_is_refused(wrong):
    canvas = layer(10, 10)
    with pytest.raises(BridgeError) as caught:
        canvas.put(wrong)
    assert caught.value.code is ErrorCode.INVALID_FIELD
    assert not any(canvas.piece(canvas.everything).picture.pixels)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (256, 256), (257, 700), (1000, 300)])
def test_the_blocks_cover_every_pixel_once(width, height):
    canvas = layer(width, height)
    blocks = [area for row in range(canvas.block_rows()) for area in canvas.blocks(row)]
    assert sum(area.pixels for area in blocks) == width * height
    assert all(area.within(width, height) for area in blocks)
    assert canvas.blocks(canvas.block_rows()) == []


def test_only_blocks_that_differ_are_sent():
    one, other = layer(600, 600), layer(600, 600)
    one.put(piece(300, 300, 10, 10))
    differing = [area for row in range(3) for area in one.differing(row, other.hashes(row))]
    assert differing == [Area(256, 256, BLOCK_SIDE, BLOCK_SIDE)]
    for area in differing:
        other.put(one.piece(area))
    assert [other.hashes(row) for row in range(3)] == [one.hashes(row) for row in range(3)]


def test_whoever_gives_no_hashes_gets_everything():
    canvas = layer(600, 300)
    assert canvas.differing(0, ()) == canvas.blocks(0)
    assert canvas.differing(0, canvas.hashes(0)[:1]) == canvas.blocks(0)[1:]


def test_a_dab_costs_on_the_wire_what_its_own_pixels_cost():
    dab = PatchCanvas(request_id=1, canvas="portrait", layer="image", pieces=(piece(4000, 4000, 64, 64),), seen=7)
    assert len(encode_message(dab)) < 64 * 64 * 4 + 512
