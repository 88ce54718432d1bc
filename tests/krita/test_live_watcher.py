"""What was painted is found, whatever the thumbnail shows; and what others paint is not sent back to them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from latent_bridge.live.tiles import band_area, bands_of, changed_rows, differing, swapped
from latent_bridge.live.watcher import Watcher
from latent_bridge.request import Rect

from bridge.protocol.areas import Area
from bridge.protocol.canvas_pixels import CanvasPixels
from bridge.protocol.canvases import CanvasLayer, Piece
from bridge.protocol.pixels import Picture, PixelFormat

WIDTH, HEIGHT = 200, 300
LAYER = CanvasLayer("image", format=PixelFormat.BGRA8)
BLUE, RED = bytes((255, 0, 0, 255)), bytes((0, 0, 255, 255))


def blank() -> CanvasPixels:
    return CanvasPixels(LAYER, WIDTH, HEIGHT)


def filled(x: int, y: int, width: int, height: int, pixel: bytes = BLUE) -> Piece:
    return Piece(x, y, Picture(width, height, PixelFormat.BGRA8, pixel * width * height))


class Painted:
    """A document as the watcher sees it: pixels, and a thumbnail with every 16th pixel of every row of 256."""

    def __init__(self) -> None:
        self.held = blank()
        self.is_settled = True
        self.reads = 0
        self.blind = False

    def thumbnail(self, side: int) -> bytes:
        if self.blind:
            return bytes(side)
        rows = (self.held.piece(Area(0, y * HEIGHT // side, WIDTH, 1)).picture.pixels for y in range(side))
        return b"".join(row[::64] for row in rows)

    def pixels(self, area: Rect) -> bytes:
        self.reads += 1
        return bytes(self.held.piece(Area(area.x, area.y, area.width, area.height)).picture.pixels)

    def settled(self) -> bool:
        return self.is_settled


def looked(watcher: Watcher) -> list[Piece]:
    """What is found with all the time in the world."""
    return [piece for _ in range(3) for piece in watcher.look(clock=lambda: 0.0)]


def begun() -> tuple[Painted, Watcher]:
    document = Painted()
    watcher = Watcher(document, blank())
    assert looked(watcher) == []
    document.reads = 0
    return document, watcher


def test_an_idle_document_is_not_read():
    document, watcher = begun()
    assert looked(watcher) == []
    assert document.reads == 0


def test_only_the_tiles_of_a_stroke_are_told_and_only_their_rows_read():
    document, watcher = begun()
    document.held.put(filled(70, 140, 20, 10))
    (piece,) = looked(watcher)
    assert (piece.x, piece.y, piece.picture.width, piece.picture.height) == (64, 128, 64, 64)
    assert document.reads <= 2
    assert looked(watcher) == []


def test_what_the_thumbnail_does_not_show_is_found_when_the_stroke_has_ended():
    document, watcher = begun()
    document.blind = True
    watcher.look()
    looked(watcher)
    document.held.put(filled(1, 1, 1, 1))
    assert looked(watcher) == []
    watcher.compare_all()
    assert len(looked(watcher)) == 1


def test_a_look_ends_when_its_time_is_over_and_the_next_goes_on():
    document, watcher = begun()
    document.held.put(filled(0, 0, WIDTH, HEIGHT))
    times = iter(range(1000))
    counts = []
    while len(counts) < 20:
        counts.append(len(watcher.look(clock=lambda: float(next(times)))))
    assert counts[0] == 1
    assert sum(counts) == len(bands_of(HEIGHT))


def test_what_others_painted_is_not_sent_back_before_the_document_shows_it():
    document, watcher = begun()
    document.is_settled = False
    watcher.put(filled(0, 0, 64, 64, RED))
    watcher.compare_all()
    assert looked(watcher) == []
    document.held.put(filled(0, 0, 64, 64, RED))
    document.is_settled = True
    assert looked(watcher) == []


def test_what_a_layer_above_hides_of_the_others_painting_is_told_in_the_end():
    _, watcher = begun()
    watcher.put(filled(0, 0, 64, 64, RED))
    (piece,) = looked(watcher)
    assert bytes(piece.picture.pixels) == bytes(64 * 64 * 4)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 199), st.integers(0, 299), st.integers(1, 90), st.integers(1, 90)), max_size=4)
)
def test_whatever_was_painted_others_have_it_in_the_end(strokes):
    document, watcher = begun()
    others = blank()
    for number, (x, y, width, height) in enumerate(strokes):
        pixel = bytes((number, 7, 9, 255))
        document.held.put(filled(x, y, min(width, WIDTH - x), min(height, HEIGHT - y), pixel))
        watcher.compare_all()
        for piece in looked(watcher):
            others.put(piece)
    assert others.piece(others.everything) == document.held.piece(others.everything)


@given(st.binary(max_size=400))
def test_swapping_twice_changes_nothing(data):
    pixels = data[: len(data) // 4 * 4]
    assert swapped(swapped(pixels)) == pixels
    assert swapped(pixels)[0::4] == pixels[2::4]
    assert swapped(pixels)[3::4] == pixels[3::4]


def test_bands_cover_the_picture():
    areas = [band_area(band, WIDTH, HEIGHT) for band in bands_of(HEIGHT)]
    assert sum(area.height for area in areas) == HEIGHT
    assert areas[-1].bottom == HEIGHT


def test_neighbouring_tiles_become_one_rectangle():
    area = Area(0, 64, 200, 64)
    before, after = bytes(200 * 64 * 4), bytearray(200 * 64 * 4)
    after[60 * 4] = after[70 * 4] = 1
    assert differing(area, before, bytes(after)) == [Area(0, 64, 128, 64)]


def test_thumbnails_of_another_size_differ_everywhere():
    assert changed_rows(b"", bytes(16), 4) == range(4)
    assert changed_rows(bytes(16), bytes(16), 4) is None
    assert changed_rows(bytes(16), bytes(9) + b"\1" + bytes(6), 4) == range(2, 3)
