"""Whatever a client leaves in its inbox, the daemon answers with an error in words and lives on."""

from __future__ import annotations

import os

import pytest

from bridge.daemon.client_files import ClientFiles
from bridge.daemon.jobs import adopt_pictures, pictures_of, release_pictures
from bridge.daemon.pixel_store import PixelStore
from bridge.daemon.submission import fingerprint_of
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.shared_pixels import SharedPixels
from bridge.protocol.tasks import ImageToImage, Region, TextToImage
from bridge.protocol.wire import describe_picture

PICTURE = Picture(4, 4, PixelFormat.RGBA8, bytes(range(64)))
NAME = "0" * 32 + ".px"


@pytest.fixture
def shared(tmp_path):
    (tmp_path / "shared").mkdir()
    return SharedPixels(tmp_path / "shared")


@pytest.fixture(params=["take", "read"])
def refusal(request, files):
    """The error that a picture ends in, whether it is to be handed on or read."""

    def refused(description) -> BridgeError:
        with pytest.raises(BridgeError) as caught:
            getattr(files, request.param)(description, "task.image")
        return caught.value

    return refused


@pytest.fixture
def files(shared, tmp_path):
    return ClientFiles.open(shared, PixelStore(tmp_path / "pixels"), largest=1 << 20)


def named(name: str, picture: Picture = PICTURE) -> dict[str, object]:
    return {**describe_picture(picture), "file": name}


def test_a_picture_is_moved_from_the_inbox_to_the_shared_pixels_under_another_name(files, shared):
    name = files.inbox.write(PICTURE.pixels)
    moved = shared.adopt(files.take(named(name), "task.image"), move=True)
    assert moved == PICTURE
    assert moved.name != name
    assert shared.view(moved.name) == PICTURE.pixels
    assert not list(files.inbox.folder.iterdir())


def test_it_is_the_same_job_whether_its_pixels_came_in_a_file_or_in_the_frame(files):
    taken = files.take(named(files.inbox.write(PICTURE.pixels)), "task.image")
    assert fingerprint_of(ImageToImage(image=taken)) == fingerprint_of(ImageToImage(image=PICTURE))
    other = files.take(named(files.inbox.write(bytes(64))), "task.image")
    assert fingerprint_of(ImageToImage(image=other)) != fingerprint_of(ImageToImage(image=PICTURE))


@pytest.mark.parametrize("name", ["../token", "/etc/passwd", "", NAME])
def test_a_name_that_is_not_in_the_inbox_is_refused_with_its_field(refusal, name):
    error = refusal(named(name))
    assert (error.code, error.field) == (ErrorCode.INVALID_FIELD, "task.image")


def test_a_file_of_another_length_is_refused(files, refusal):
    assert refusal(named(files.inbox.write(bytes(63)))).code is ErrorCode.INVALID_FIELD


def test_an_empty_file_is_refused(files, refusal):
    assert refusal(named(files.inbox.write(b""))).code is ErrorCode.INVALID_FIELD


def test_a_picture_beyond_the_limit_is_refused(files, refusal):
    large = Picture(1024, 1024, PixelFormat.RGBA8, bytes(4 << 20))
    assert refusal(named(files.inbox.write(large.pixels), large)).code is ErrorCode.MESSAGE_TOO_LARGE


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_in_the_inbox_does_not_stop_the_daemon(files, refusal):
    os.mkfifo(files.inbox.folder / NAME)
    assert refusal(named(NAME)).code is ErrorCode.INVALID_FIELD


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system cannot refuse links when it opens files")
def test_a_link_in_the_inbox_is_not_followed(files, refusal, tmp_path):
    (tmp_path / "secret").write_bytes(PICTURE.pixels)
    (files.inbox.folder / NAME).symlink_to(tmp_path / "secret")
    assert refusal(named(NAME)).code is ErrorCode.INVALID_FIELD


def test_a_file_that_is_shortened_after_it_was_named_is_an_error_and_not_a_crash(files, shared):
    name = files.inbox.write(PICTURE.pixels)
    taken = files.take(named(name), "task.image")
    os.truncate(files.inbox.folder / name, 0)
    fingerprint_of(ImageToImage(image=taken))  # reads what is left, and does not touch the view
    assert shared.adopt(taken, move=True).name


def test_what_is_read_is_a_copy_and_its_file_is_gone(files):
    read = files.read(named(files.inbox.write(PICTURE.pixels)), "pieces.0.picture")
    assert read == PICTURE
    assert isinstance(read.pixels, bytes)
    assert not list(files.inbox.folder.iterdir())


def test_pictures_of_a_refused_job_are_removed(files):
    taken = files.take(named(files.inbox.write(PICTURE.pixels)), "task.image")
    files.discard(ImageToImage(image=taken))
    assert not list(files.inbox.folder.iterdir())


def test_the_inbox_goes_with_its_client(files):
    files.inbox.write(PICTURE.pixels)
    files.close()
    assert not files.inbox.folder.exists()


def test_pictures_within_regions_are_moved_and_removed_like_any_other(files, shared):
    mask = Picture(4, 4, PixelFormat.GRAY8, bytes(range(16)))
    taken = files.take(named(files.inbox.write(mask.pixels), mask), "task.regions[0].mask")
    task = adopt_pictures(TextToImage(regions=(Region(mask=taken, prompt="moss"),)), shared)
    assert [(path, picture) for path, picture in pictures_of(task)] == [("regions[0].mask", mask)]
    assert not list(files.inbox.folder.iterdir())
    release_pictures(task, shared)
    assert [path.name for path in shared.folder.iterdir() if path.is_file()] == []
