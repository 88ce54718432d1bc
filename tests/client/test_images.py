"""Pictures in every accepted form, and back."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from bridge.client import as_mask, as_picture, layer_to_numpy, layer_to_pil, picture_to_numpy, picture_to_pil
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Layer

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))
CHANNELS = {"uint8": (1, 2, 3, 4), "uint16": (1, 3, 4), "float32": (1, 3, 4), "float16": (4,)}


@st.composite
def pictures_as_arrays(draw) -> numpy.ndarray:
    kind = draw(st.sampled_from(sorted(CHANNELS)))
    channels = draw(st.sampled_from(CHANNELS[kind]))
    shape = draw(SHAPES)
    elements = {"allow_nan": False} if kind.startswith("float") else None
    order = draw(st.sampled_from("<>"))
    dtype = numpy.dtype(kind).newbyteorder(order)
    return draw(arrays.arrays(dtype, shape if channels == 1 else (*shape, channels), elements=elements))


@given(pictures_as_arrays())
def test_an_array_comes_back_as_it_went(array):
    back = picture_to_numpy(as_picture(array))
    assert back.shape == array.shape
    numpy.testing.assert_array_equal(back, array)


@given(pictures_as_arrays())
def test_views_that_are_cut_and_mirrored_are_read_in_their_own_order(array):
    cut = array[::-1, ::2]
    numpy.testing.assert_array_equal(picture_to_numpy(as_picture(cut)), cut)


def test_a_contiguous_array_is_not_copied():
    array = numpy.zeros((4, 5, 4), numpy.uint8)
    picture = as_picture(array)
    array[0, 0, 0] = 9
    assert bytes(picture.pixels)[0] == 9


def test_an_array_with_one_channel_in_a_third_dimension_is_grey():
    assert as_picture(numpy.zeros((4, 5, 1), numpy.uint8)).format is PixelFormat.GRAY8


def test_doubles_become_floats_and_booleans_black_and_white():
    assert as_picture(numpy.full((2, 2, 3), 0.5)).format is PixelFormat.RGB32F
    assert picture_to_numpy(as_picture(numpy.full((2, 2), 0.25)))[0, 0] == 0.25
    assert bytes(as_picture(numpy.array([[True, False]])).pixels) == b"\xff\x00"


class Bare:
    """Something with `__array_interface__` and no buffer, as other libraries have it."""

    def __init__(self, array: numpy.ndarray, data: object = None) -> None:
        self.array = array
        self.__array_interface__ = dict(array.__array_interface__)
        if data is not None:
            self.__array_interface__["data"] = data


def test_anything_with_an_array_interface_is_a_picture():
    array = numpy.arange(24, dtype=numpy.uint8).reshape(2, 3, 4)
    by_pointer, by_bytes = Bare(array), Bare(array, array.tobytes())
    assert bytes(as_picture(by_pointer).pixels) == bytes(as_picture(by_bytes).pixels) == array.tobytes()
    with pytest.raises(BridgeError, match="contiguous"):
        as_picture(Bare(array[:, ::2]))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"])
def test_every_pillow_mode_keeps_what_it_shows(mode):
    shown = Image.linear_gradient("L").resize((8, 8)).convert("RGB").convert(mode)
    back = picture_to_pil(as_picture(shown))
    assert back.convert("RGB").tobytes() == shown.convert("RGB").tobytes()


def test_pillows_16_bit_grey_stays_16_bit_in_either_byte_order():
    values = numpy.array([[0, 1, 256, 65535]], numpy.uint16)
    little = Image.fromarray(values)
    big = Image.frombytes("I;16B", (4, 1), values.astype(">u2").tobytes())
    for image in (little, big):
        picture = as_picture(image)
        assert picture.format is PixelFormat.GRAY16
        numpy.testing.assert_array_equal(picture_to_numpy(picture), values)
        numpy.testing.assert_array_equal(numpy.asarray(picture_to_pil(picture)), values)


def test_a_palette_with_transparency_has_alpha():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.info["transparency"] = 1
    assert as_picture(image).format is PixelFormat.RGBA8


def test_raw_bytes_with_their_size_are_a_picture():
    picture = as_picture((b"\x01\x02\x03\x04", 1, 1, "bgra8"))
    assert picture == Picture(1, 1, PixelFormat.BGRA8, b"\x01\x02\x03\x04")
    assert as_picture(picture) is picture
    assert picture_to_pil(picture).getpixel((0, 0)) == (3, 2, 1, 4)


@pytest.mark.parametrize(
    "thing",
    [
        None,
        "picture.png",
        b"bytes alone",
        numpy.zeros((4,), numpy.uint8),
        numpy.zeros((2, 2, 5), numpy.uint8),
        numpy.zeros((0, 2), numpy.uint8),
        numpy.zeros((2, 2), numpy.int64),
        numpy.zeros((2, 2), numpy.complex64),
        (b"short", 9, 9, "rgb8"),
        (b"", 1, 1, "rgb99"),
    ],
    ids=str,
)
def test_what_is_no_picture_is_refused_with_what_would_be(thing):
    with pytest.raises(BridgeError) as caught:
        as_picture(thing)
    assert caught.value.code is ErrorCode.INVALID_FIELD


def test_masks_are_grey_whatever_they_come_from():
    expected = bytes([0, 128, 255, 64])
    values = numpy.frombuffer(expected, numpy.uint8).reshape(2, 2)
    forms = [
        values,
        values.astype(numpy.uint16) * 257,
        (values / 255).astype(numpy.float32),
        numpy.repeat(values[..., None], 3, 2),
        Image.fromarray(values),
        Image.fromarray(values).convert("RGB"),
        Image.fromarray(values).convert("P"),
        (expected, 2, 2, "gray8"),
    ]
    for form in forms:
        assert bytes(as_mask(form).pixels) == expected
    assert bytes(as_mask(values > 100).pixels) == bytes([0, 255, 255, 0])


def test_where_a_mask_is_transparent_it_keeps():
    mask = Image.merge("LA", (Image.new("L", (2, 1), 255), Image.frombytes("L", (2, 1), b"\x00\xff")))
    assert bytes(as_mask(mask).pixels) == b"\x00\xff"
    assert bytes(as_mask(mask.convert("RGBA")).pixels) == b"\x00\xff"


def test_a_mask_in_colour_is_refused():
    with pytest.raises(BridgeError, match="colour"):
        as_mask(numpy.array([[[255, 0, 0]]], numpy.uint8))


@pytest.mark.parametrize("pixel_format", list(PixelFormat), ids=lambda value: value.value)
def test_every_pixel_format_has_a_numpy_view_and_pillow_where_pillow_can(pixel_format):
    samples = numpy.linspace(0, 1, 6 * pixel_format.channels).reshape(2, 3, pixel_format.channels)
    width = pixel_format.bytes_per_channel
    kind = f"<f{width}" if pixel_format.is_float else f"<u{width}"
    values = (samples if pixel_format.is_float else samples * (256**width - 1)).astype(kind)
    layer = Layer(picture=Picture(3, 2, pixel_format, values.tobytes()))
    numpy.testing.assert_array_equal(layer_to_numpy(layer).reshape(values.shape), values)
    if pixel_format in (PixelFormat.RGB32F, PixelFormat.RGBA16F, PixelFormat.RGBA32F):
        with pytest.raises(BridgeError, match="Pillow"):
            layer_to_pil(layer)
        return
    image = layer_to_pil(layer)
    assert image.size == (3, 2)
    shown = numpy.asarray(image).reshape(values.shape)
    if pixel_format.value.startswith("bgra"):
        shown = shown[..., [2, 1, 0, 3]]
    if width == 2 and pixel_format is not PixelFormat.GRAY16:
        values = values >> 8  # pillow has no 16-bit colour
    numpy.testing.assert_array_equal(shown, values)
