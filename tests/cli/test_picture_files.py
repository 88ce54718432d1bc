"""Files are read with care and written with their recipe."""

from __future__ import annotations

import io
import struct
import zlib

import numpy
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from bridge.cli.picture_files import read_mask, read_picture, read_recipe, write_picture
from bridge.cli.recipes import Recipe
from bridge.client import as_picture, picture_to_numpy
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import PixelFormat

RECIPE = Recipe("text-to-image", {"prompt": "苔 \x00 “moss”\n", "seed": 4}, {"model": {"hash": "abc"}}, -1, 2)
NOISE = numpy.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=numpy.uint8)


@pytest.fixture
def told() -> list[str]:
    return []


def write(path, array, *, recipe=None, force=False, keep_alpha=False):
    return write_picture(as_picture(array), path, recipe, force=force, keep_alpha=keep_alpha)


def test_a_png_carries_its_recipe_and_its_pixels_exactly(tmp_path, told):
    path = write(tmp_path / "a.png", NOISE, recipe=RECIPE)
    assert read_recipe(path) == RECIPE
    numpy.testing.assert_array_equal(picture_to_numpy(read_picture(path, told.append)), NOISE)
    assert told == []


def test_a_very_long_recipe_survives(tmp_path):
    recipe = Recipe("text-to-image", {"prompt": "moss " * 30_000})
    assert read_recipe(write(tmp_path / "a.png", NOISE, recipe=recipe)) == recipe


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_a_file_without_a_recipe_says_so(tmp_path, name):
    path = write(tmp_path / name, NOISE)
    with pytest.raises(BridgeError, match="no recipe"):
        read_recipe(path)


def test_16_bit_grey_stays_16_bit(tmp_path, told):
    values = numpy.arange(0, 65536, 1371, dtype=numpy.uint16).reshape(2, -1)
    path = write(tmp_path / "a.png", values)
    picture = read_picture(path, told.append)
    assert picture.format is PixelFormat.GRAY16
    numpy.testing.assert_array_equal(picture_to_numpy(picture), values)
    assert told == []


def deep_png(width: int, height: int, data: bytes) -> bytes:
    """A PNG with 16 bits per channel, which pillow cannot write."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_16_bit_colour_is_read_with_8_and_the_user_is_told(tmp_path, told):
    row = b"\x00" + struct.pack(">3H", 0x1234, 0xFFFF, 0x00FF)
    (tmp_path / "deep.png").write_bytes(deep_png(1, 1, zlib.compress(row)))
    picture = read_picture(tmp_path / "deep.png", told.append)
    assert (picture.format, bytes(picture.pixels)) == (PixelFormat.RGB8, bytes([0x12, 0xFF, 0x00]))
    assert "16 bits" in told[0]


def test_a_photograph_taken_sideways_is_read_upright(tmp_path, told):
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90° clockwise to see it upright
    Image.fromarray(NOISE).save(tmp_path / "a.png", exif=exif)
    array = picture_to_numpy(read_picture(tmp_path / "a.png", told.append))
    numpy.testing.assert_array_equal(array, numpy.rot90(NOISE, -1))


def exchanged_profile() -> bytes:
    """An ICC profile like sRGB's whose red is blue, under another name."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exchanged = profile.replace(b"rXYZ", b"????", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"????", b"bXYZ", 1)
    renamed = exchanged.replace("sRGB".encode("utf-16-be"), "odd-".encode("utf-16-be"))
    assert renamed != profile
    return renamed


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_of_another_profile_are_converted_to_srgb(tmp_path, told, mode):
    image = Image.new("RGB", (2, 2), (255, 0, 0)).convert(mode)
    image.save(tmp_path / "a.png", icc_profile=exchanged_profile())
    picture = read_picture(tmp_path / "a.png", told.append)
    red, green, blue = bytes(picture.pixels)[:3]
    assert (red < 3, green < 3, blue > 252) == (True, True, True)
    assert told == []


def test_srgb_is_left_exactly_as_it_is(tmp_path, told):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(NOISE).save(tmp_path / "a.png", icc_profile=profile)
    numpy.testing.assert_array_equal(picture_to_numpy(read_picture(tmp_path / "a.png", told.append)), NOISE)


def test_a_broken_profile_is_told_and_passed_over(tmp_path, told):
    Image.fromarray(NOISE).save(tmp_path / "a.png", icc_profile=b"nonsense")
    numpy.testing.assert_array_equal(picture_to_numpy(read_picture(tmp_path / "a.png", told.append)), NOISE)
    assert "profile" in told[0]


@pytest.mark.parametrize("file_format", ["GIF", "BMP", "TIFF", "PPM"])
def test_other_formats_are_not_even_tried(tmp_path, told, file_format):
    path = tmp_path / "a.png"
    Image.fromarray(NOISE).save(path, file_format)
    with pytest.raises(BridgeError) as caught:
        read_picture(path, told.append)
    assert caught.value.code is ErrorCode.INVALID_FIELD
    assert "PNG, JPEG and WebP" in caught.value.hint


@pytest.mark.parametrize("side", [8193, 100_000])
def test_a_picture_with_too_many_pixels_is_refused_before_it_is_unpacked(tmp_path, told, side):
    (tmp_path / "bomb.png").write_bytes(deep_png(side, side, b""))
    with pytest.raises(BridgeError) as caught:
        read_picture(tmp_path / "bomb.png", told.append)
    assert caught.value.code is ErrorCode.TOO_MANY_PIXELS


@pytest.mark.parametrize("keep", [0, 30, 60, 100])
def test_a_damaged_file_is_an_error_in_one_line(tmp_path, told, keep):
    buffer = io.BytesIO()
    Image.fromarray(NOISE).save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue()[:keep])
    with pytest.raises(BridgeError) as caught:
        read_picture(tmp_path / "a.png", told.append)
    assert caught.value.code is ErrorCode.INVALID_FIELD
    assert "\n" not in str(caught.value)


def test_a_compressed_text_that_explodes_is_refused(tmp_path, told):
    info = PngInfo()
    info.add_itxt("latent-bridge", "0" * (80 << 20), zip=True)
    Image.fromarray(NOISE).save(tmp_path / "a.png", pnginfo=info)
    with pytest.raises(BridgeError) as caught:
        read_recipe(tmp_path / "a.png")
    assert caught.value.code is ErrorCode.INVALID_FIELD


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "I;16"])
def test_a_mask_may_come_in_any_mode(tmp_path, mode):
    values = numpy.array([[0, 255], [255, 0]], numpy.uint8)
    image = (
        Image.fromarray(values.astype(numpy.uint16) * 257) if mode == "I;16" else Image.fromarray(values).convert(mode)
    )
    image.save(tmp_path / "mask.png")
    mask = read_mask(tmp_path / "mask.png")
    assert (mask.format, bytes(mask.pixels)) == (PixelFormat.GRAY8, values.tobytes())


def test_nothing_is_overwritten_unless_forced(tmp_path):
    first = write(tmp_path / "a.png", NOISE)
    before = first.read_bytes()
    assert write(tmp_path / "a.png", NOISE[::-1].copy()) == tmp_path / "a-2.png"
    assert first.read_bytes() == before
    assert write(tmp_path / "a.png", NOISE[::-1].copy(), force=True) == first
    assert first.read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-2.png", "a.png"]


def test_a_folder_that_cannot_be_written_is_an_error_in_one_line(tmp_path):
    with pytest.raises(BridgeError) as caught:
        write(tmp_path / "gone" / "a.png", NOISE)
    assert caught.value.code is ErrorCode.INTERNAL


def test_alpha_is_written_where_it_says_something(tmp_path):
    opaque = numpy.dstack([NOISE, numpy.full((6, 8), 255, numpy.uint8)])
    cut = opaque.copy()
    cut[0, 0, 3] = 0
    assert Image.open(write(tmp_path / "opaque.png", opaque)).mode == "RGB"
    assert Image.open(write(tmp_path / "kept.png", opaque, keep_alpha=True)).mode == "RGBA"
    assert Image.open(write(tmp_path / "cut.png", cut)).mode == "RGBA"


def test_what_is_transparent_is_white_in_a_jpeg(tmp_path):
    clear = numpy.zeros((8, 8, 4), numpy.uint8)
    assert Image.open(write(tmp_path / "a.jpg", clear)).getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_16_bit_grey_becomes_8_bit_where_the_format_has_no_more(tmp_path, name):
    values = numpy.full((16, 16), 0x80FF, numpy.uint16)
    shown = numpy.asarray(Image.open(write(tmp_path / name, values)).convert("L"))
    assert abs(int(shown[8, 8]) - 0x80) <= 2
