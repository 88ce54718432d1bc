"""Pixels go between daemon and engine as names of shared files."""

import pytest

from bridge.protocol.engine_link import LENGTH, ModelSource, Produced, Run, decode_link, encode_link
from bridge.protocol.errors import BridgeError
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.shared_pixels import SharedPicture, SharedPixels
from bridge.protocol.tasks import Inpaint, Layer


@pytest.fixture
def shared(tmp_path):
    return SharedPixels(tmp_path)


def picture(value: int = 7) -> Picture:
    return Picture(4, 4, PixelFormat.RGBA8, bytes([value]) * 64)


def through(message, shared):
    data = encode_link(message, shared)
    (length,) = LENGTH.unpack(data[:4])
    assert length == len(data) - 4
    return decode_link(data[4:], shared)


def test_a_job_arrives_with_its_pixels(shared):
    mask = Picture(4, 4, PixelFormat.GRAY8, bytes(16))
    run = Run(job_id="a", task=Inpaint(image=picture(), mask=mask), model=ModelSource(id="m", location="/m"))
    arrived = through(run, shared)
    assert isinstance(arrived.task.image, SharedPicture)
    assert bytes(arrived.task.image.pixels) == bytes(picture().pixels)
    assert arrived.model == run.model
    assert len(encode_link(run, shared)) < 4096


def test_pixels_that_are_shared_already_are_not_copied(shared):
    adopted = shared.adopt(picture())
    through(Produced(job_id="a", layer=Layer(adopted)), shared)
    assert [path.name for path in shared.folder.iterdir()] == [adopted.name]


def test_a_view_outlives_the_removal_of_its_file(shared):
    adopted = shared.adopt(picture(9))
    shared.remove(adopted.name)
    assert bytes(adopted.pixels) == bytes([9]) * 64
    assert not list(shared.folder.iterdir())


@pytest.mark.parametrize("name", ["../etc/passwd", "", "a.px", "0" * 32, "0" * 32 + ".px/../x"])
def test_names_that_were_never_given_are_refused(shared, name):
    with pytest.raises(BridgeError):
        shared.path(name)


def test_missing_pixels_are_a_typed_error(shared):
    adopted = shared.adopt(picture())
    data = encode_link(Produced(job_id="a", layer=Layer(adopted)), shared)
    shared.remove(adopted.name)
    with pytest.raises(BridgeError):
        decode_link(data[4:], shared)
