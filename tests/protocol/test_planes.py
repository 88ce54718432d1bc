"""The encoding `planes`: whatever goes in comes out, and nothing else is let in."""

from __future__ import annotations

import random
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import MAX_SIDE, Picture, PixelFormat
from bridge.protocol.planes import STRATEGIES, packed, sample, unpacked
from tests.protocol.strategies import pictures


def noise(length: int) -> bytes:
    """Bytes without any pattern."""
    return random.Random(7).randbytes(length)


def gradient(width: int, height: int, pixel_format: PixelFormat = PixelFormat.RGBA8) -> Picture:
    """A picture whose rows resemble each other."""
    row = bytes(index % 251 for index in range(width * pixel_format.bytes_per_pixel))
    return Picture(width, height, pixel_format, row * height)


def read(data: bytes, picture: Picture) -> bytes:
    return bytes(unpacked(data, picture.width, picture.height, picture.format))


@given(pictures(), st.sampled_from(STRATEGIES))
def test_every_picture_comes_back_byte_for_byte(picture, strategy):
    assert read(packed(picture, strategy), picture) == picture.pixels


@settings(max_examples=40)
@given(st.sampled_from(PixelFormat), st.integers(1, 700), st.integers(1, 150))
def test_bands_of_any_size_fit_together(pixel_format, width, height):
    picture = Picture(width, height, pixel_format, noise(width * height * pixel_format.bytes_per_pixel))
    assert read(packed(picture), picture) == picture.pixels


@pytest.mark.parametrize("pixel_format", PixelFormat)
def test_a_row_as_long_as_a_band_or_longer_is_a_band(pixel_format):
    picture = gradient(MAX_SIDE, 2, pixel_format)
    assert read(packed(picture), picture) == picture.pixels


@pytest.mark.parametrize("wrapped", [bytearray, memoryview])
def test_any_buffer_can_be_packed_and_unpacked(wrapped):
    picture = gradient(40, 30)
    same = Picture(40, 30, picture.format, wrapped(picture.pixels))
    assert packed(same) == packed(picture)
    assert unpacked(wrapped(packed(picture)), 40, 30, picture.format) == picture.pixels


def test_the_bytes_are_those_of_the_description():
    """Two rows of one rgb8 pixel: differences from above, then planes, then red and blue without green."""
    picture = Picture(1, 2, PixelFormat.RGB8, bytes([10, 20, 30, 11, 19, 33]))
    red, green, blue = (10, 1), (20, 255), (30, 3)
    planes = (
        [(r - g) % 256 for r, g in zip(red, green, strict=True)],
        green,
        [(b - g) % 256 for b, g in zip(blue, green, strict=True)],
    )
    assert zlib.decompress(packed(picture)) == bytes(byte for plane in planes for byte in plane)


def test_differences_of_wide_channels_carry_from_byte_to_byte():
    picture = Picture(1, 2, PixelFormat.GRAY16, (0x00FF).to_bytes(2, "little") + (0x0100).to_bytes(2, "little"))
    assert zlib.decompress(packed(picture)) == bytes([0xFF, 1, 0, 0])  # low bytes of 255 and 1, then high bytes


def test_a_smooth_picture_is_packed_far_smaller_and_noise_hardly_larger():
    picture = gradient(256, 256)
    assert len(packed(picture)) < picture.nbytes / 20
    noisy = Picture(256, 256, PixelFormat.RGBA8, noise(256 * 256 * 4))
    assert len(packed(noisy)) < noisy.nbytes * 1.001 + 100


def test_a_sample_tells_how_small_a_picture_will_be():
    assert sample(gradient(512, 512)).ratio > 8
    assert 0.9 < sample(Picture(512, 512, PixelFormat.RGBA8, noise(512 * 512 * 4))).ratio < 1.1
    flat = Picture(512, 512, PixelFormat.RGBA8, (bytes([9, 8, 7, 255]) * 64 + bytes(256)) * 2048)
    assert len(packed(flat, sample(flat).strategy)) == min(len(packed(flat, each)) for each in STRATEGIES)


@given(pictures())
def test_a_sample_can_be_taken_of_every_picture(picture):
    assert sample(picture).ratio > 0


def test_what_ends_too_early_or_too_late_is_refused():
    picture = gradient(100, 300)
    data = packed(picture)
    longer = zlib.compress(zlib.decompress(data) + b"\0")
    for damaged in (b"", data[:-1], data[: len(data) // 2], data + b"\0", data + data, longer):
        with pytest.raises(BridgeError) as caught:
            read(damaged, picture)
        assert caught.value.code is ErrorCode.INVALID_FIELD


@settings(max_examples=200)
@given(st.data())
def test_damage_is_refused_or_gives_pixels_of_the_right_size(data):
    picture = gradient(60, 50)
    encoded = bytearray(packed(picture))
    for position in data.draw(st.lists(st.integers(0, len(encoded) - 1), min_size=1, max_size=4)):
        encoded[position] = data.draw(st.integers(0, 255))
    try:
        assert len(read(bytes(encoded), picture)) == picture.nbytes
    except BridgeError as error:
        assert error.code is ErrorCode.INVALID_FIELD


def test_a_bomb_is_not_unpacked_beyond_the_size_of_the_picture():
    """A thousand to one: the stream would become 64 MiB, the picture that it claims to be has 4 KiB."""
    bomb = zlib.compress(bytes(64 << 20))
    tracemalloc.start()
    with pytest.raises(BridgeError):
        unpacked(bomb, 32, 32, PixelFormat.RGBA8)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_picture_that_claims_to_be_huge_costs_nothing_until_its_pixels_come():
    tracemalloc.start()
    with pytest.raises(BridgeError):
        unpacked(zlib.compress(b"moss"), 16384, 65536, PixelFormat.RGBA8)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()
