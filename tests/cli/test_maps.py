"""`latent-bridge maps`: files called like the picture, deep where it matters, from which they can be made again."""

import json
import struct
import zlib

import numpy
import pytest
from PIL import Image

from bridge.cli.deep_png import encode_rgb16
from bridge.client import connect, layer_to_numpy
from bridge.protocol.pixels import Picture, PixelFormat

NOISE = numpy.random.default_rng(7).integers(0, 256, (40, 56, 3), dtype=numpy.uint8)
SET = ["brick_normal.png", "brick_height.png", "brick_roughness.png", "brick_occlusion.png"]


@pytest.fixture
def brick(tmp_path):
    Image.fromarray(NOISE).save(tmp_path / "brick.png")
    return tmp_path / "brick.png"


def depth_and_pixels(data: bytes) -> tuple[int, numpy.ndarray]:
    """Bits per channel, and the channels of a true-colour PNG of one filter; pillow would show 8 bits of them."""
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    assert colour == 2
    packed, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + body)
        packed += body if name == b"IDAT" else b""
        at += 12 + length
    rows = numpy.frombuffer(zlib.decompress(packed), numpy.uint8).reshape(height, 1 + width * 6)
    assert (rows[:, 0] == 1).all()
    values = rows[:, 1:].reshape(height, width, 6).cumsum(axis=1, dtype=numpy.uint8)
    return depth, numpy.ascontiguousarray(values).view(">u2").astype(numpy.uint16)


def test_the_set_is_called_like_the_picture_and_lies_where_asked(latent_bridge, brick, tmp_path, tiny_daemon):
    folder = tmp_path / "made"
    folder.mkdir()
    run = latent_bridge("maps", brick, "-o", folder, "--seamless", "xy")
    assert (run.returncode, run.stdout.split()) == (0, [str(folder / name) for name in SET]), run.stderr
    assert Image.open(folder / "brick_height.png").mode.startswith("I;16")
    assert Image.open(folder / "brick_occlusion.png").mode == "L"
    depth, normals = depth_and_pixels((folder / "brick_normal.png").read_bytes())
    with connect(tiny_daemon.url, token=tiny_daemon.token) as bridge:
        direct = bridge.surface_maps(NOISE, maps=("normal",), seamless="xy")["normal"]
    assert depth == 16
    assert (normals == layer_to_numpy(direct)).all()


def test_a_map_can_be_made_again_from_its_own_recipe(latent_bridge, brick, tmp_path):
    latent_bridge("maps", brick, "--maps", "normal,metallic", "--relief", 5, "--normals", "directx", "--light-is-deep")
    again = latent_bridge("maps", brick, "--from", "brick_normal.png")
    assert again.stdout == "brick_normal-2.png\n", again.stderr
    assert (tmp_path / "brick_normal-2.png").read_bytes() == (tmp_path / "brick_normal.png").read_bytes()


def test_programs_are_told_what_was_made(latent_bridge, brick):
    told = json.loads(latent_bridge("maps", brick, "--maps", "height", "--bits", 8, "--json").stdout)
    (file,) = told["files"]
    assert (file["path"], file["width"], file["recipe"]["made_by"]["map"]) == ("brick_height.png", 56, "height")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--maps", "gloss"), "There is no map 'gloss'"),
        (("--maps", "height,height"), "asked for twice"),
        (("-o", "nowhere"), "There is no folder nowhere"),
        (("--relief", "99"), "99"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_runs(latent_bridge, brick, options, said):
    run = latent_bridge("maps", brick, *options)
    assert run.returncode == 2
    assert said in run.stderr


@pytest.mark.parametrize(("width", "height"), [(1, 1), (5, 3), (64, 2)])
def test_sixteen_bits_of_colour_are_written_without_loss(width, height):
    from PIL.PngImagePlugin import PngInfo

    values = numpy.random.default_rng(1).integers(0, 65536, (height, width, 3), dtype=numpy.uint16)
    picture = Picture(width, height, PixelFormat.RGB16, values.astype("<u2").tobytes())
    depth, found = depth_and_pixels(encode_rgb16(picture, PngInfo()))
    assert depth == 16
    assert (found == values).all()
