"""Pixels between Blender and the protocol, with and without numpy."""

from __future__ import annotations

import array
import io
import struct

import numpy as np
import pytest
from blender_addon import pictures
from blender_addon.boxes import grown_sides, pixel_box
from blender_addon.exr import exr
from blender_addon.floats import icon_floats
from blender_addon.pictures import HostPixels, box_mask, mask_of, picture_of, png, thumbnail
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat


@pytest.fixture(params=["numpy", "plain Python"], autouse=True)
def with_and_without_numpy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's Blender may come without numpy: every way is tried both ways."""
    if request.param != "numpy":
        monkeypatch.setattr(pictures, "find_numpy", lambda: None)


def held(width: int, height: int, samples: list[int]) -> HostPixels:
    """What Blender holds of an 8-bit image."""
    return HostPixels(width, height, array.array("f", [sample / 255 for sample in samples]))


def test_every_8_bit_value_survives_and_rows_are_turned_over():
    samples = list(range(256)) * 4
    picture = picture_of(held(16, 16, samples))
    assert picture.format is PixelFormat.RGBA8
    rows = [samples[start : start + 64] for start in range(0, 1024, 64)]
    assert list(picture.pixels) == [value for row in reversed(rows) for value in row]


def test_values_beyond_the_range_are_cut():
    picture = picture_of(HostPixels(1, 1, array.array("f", [-1.0, 2.0, 0.5, 1.0])))
    assert list(picture.pixels) == [0, 255, 128, 255]


def test_floats_travel_as_they_are_in_linear_light():
    values = array.array("f", [0.1, 7.5, -0.25, 1.0, 3.0, 0.0, 0.5, 0.5])
    picture = picture_of(HostPixels(1, 2, values, linear=True))
    assert (picture.format, picture.colour_space) == (PixelFormat.RGBA32F, ColourSpace.LINEAR_SRGB)
    assert picture.pixels == values[4:].tobytes() + values[:4].tobytes()


def test_an_exr_holds_every_float():
    floats = np.float32([[[0.1, 7.5, -0.25, 1.0], [1e-20, 0, 0.5, 0.5], [1, 2, 3, 4]], [[5, 6, 7, 8]] * 3])
    picture = Picture(3, 2, PixelFormat.RGBA32F, floats.tobytes(), ColourSpace.LINEAR_SRGB)
    assert np.array_equal(read_exr(exr(picture)), floats)


def read_exr(file: bytes) -> np.ndarray:
    """Uncompressed scan lines of float channels, by the layout's description."""
    assert file[:8] == bytes([0x76, 0x2F, 0x31, 0x01, 2, 0, 0, 0])
    at, attributes = 8, {}
    while file[at]:
        name, kind, rest = file[at:].split(b"\0", 2)
        (size,) = struct.unpack("<i", rest[:4])
        attributes[name] = rest[4 : 4 + size]
        at += len(name) + len(kind) + 2 + 4 + size
    left, top, right, bottom = struct.unpack("<4i", attributes[b"dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    offsets = struct.unpack_from(f"<{height}Q", file, at + 1)
    out = np.empty((height, width, 4), np.float32)
    for offset in offsets:
        y, size = struct.unpack_from("<ii", file, offset)
        assert size == 16 * width
        channels = np.frombuffer(file, "<f4", 4 * width, offset + 8).reshape(4, width)
        out[y] = channels[::-1].T  # by name: A, B, G, R
    return out


def test_only_floats_become_an_exr():
    with pytest.raises(ValueError, match="EXR"):
        exr(Picture(1, 1, PixelFormat.RGBA8, bytes(4)))


def test_what_is_bright_and_opaque_is_masked():
    mask = mask_of(held(2, 1, [0, 200, 10, 255, 255, 255, 255, 0]))
    assert (mask.format, list(mask.pixels)) == (PixelFormat.GRAY8, [200, 0])


@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.tuples(*[st.integers(-5, 25)] * 4),
)
def test_a_box_mask_is_white_in_the_box_and_nowhere_else(width: int, height: int, box: tuple[int, int, int, int]):
    pixels = box_mask(width, height, box).pixels
    (left, right), (bottom, top) = sorted((box[0], box[2])), sorted((box[1], box[3]))
    for y in range(height):
        for x in range(width):
            inside = left <= x < right and bottom <= height - 1 - y < top
            assert pixels[y * width + x] == (255 if inside else 0)


@pytest.mark.parametrize(("format_", "mode"), [("gray8", "L"), ("rgb8", "RGB"), ("rgba8", "RGBA")])
def test_a_png_holds_every_value(format_: str, mode: str):
    kind = PixelFormat(format_)
    data = bytes(n * 37 % 256 for n in range(5 * 3 * kind.bytes_per_pixel))
    image = Image.open(io.BytesIO(png(Picture(5, 3, kind, data))))
    assert (image.mode, image.size, image.tobytes()) == (mode, (5, 3), data)


@pytest.mark.parametrize(("pixel_format", "mode"), [(PixelFormat.GRAY16, "I;16"), (PixelFormat.RGB16, "RGB")])
def test_a_png_of_16_bits_has_the_higher_byte_first(pixel_format: PixelFormat, mode: str):
    file = png(Picture(1, 1, pixel_format, bytes([0x34, 0x12]) * pixel_format.channels))
    with Image.open(io.BytesIO(file)) as image:
        assert image.mode == mode  # Pillow has no RGB of 16 bits: it shows the higher byte
        assert image.getpixel((0, 0)) == (0x1234 if mode == "I;16" else (0x12, 0x12, 0x12))


def test_a_thumbnail_of_16_bits_shows_the_higher_bytes():
    small = thumbnail(Picture(2, 2, PixelFormat.GRAY16, bytes([0x34, 0x12]) * 4))
    assert bytes(small.pixels) == bytes([0x12, 0x12, 0x12, 255]) * 4


def test_a_png_of_floats_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        png(Picture(1, 1, PixelFormat.GRAY32F, bytes(4)))


def test_a_thumbnail_keeps_proportions_and_colours():
    small = thumbnail(Picture(512, 256, PixelFormat.RGB8, bytes([9, 8, 7]) * (512 * 256)))
    assert (small.width, small.height, bytes(small.pixels[:4])) == (128, 64, bytes([9, 8, 7, 255]))


@given(st.tuples(*[st.integers(-300, 300)] * 4), st.integers(8, 200), st.integers(8, 200))
def test_dragged_sides_are_what_the_box_covers_beyond_the_image(corners: tuple[int, int, int, int], w: int, h: int):
    box = pixel_box((corners[0] / w, corners[1] / h), (corners[2] / w, corners[3] / h), (w, h))
    assert box[0] <= box[2]
    assert box[1] <= box[3]
    left, top, right, bottom = grown_sides(box, (w, h))
    for grown, beyond in ((left, -box[0]), (top, box[3] - h), (right, box[2] - w), (bottom, -box[1])):
        assert grown % 8 == 0
        assert abs(grown - max(0, beyond)) <= 4


@pytest.mark.parametrize("pixel_format", [PixelFormat.RGB8, PixelFormat.RGBA8])
def test_an_icon_has_the_floats_of_every_pixel_from_the_bottom(pixel_format: PixelFormat):
    values = np.random.default_rng(3).integers(0, 256, (5, 7, pixel_format.bytes_per_pixel), dtype=np.uint8)
    found = np.array(icon_floats(Picture(7, 5, pixel_format, values.tobytes()))).reshape(5, 7, 4)
    channels = values.shape[2]
    np.testing.assert_allclose(found[::-1, :, :channels], values / 255, atol=1e-7)
    assert (found[..., channels:] == 1).all()
