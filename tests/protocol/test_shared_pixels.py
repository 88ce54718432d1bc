"""Pixels in files that processes of one user share."""

from __future__ import annotations

import shutil

import pytest

from bridge.protocol.errors import BridgeError
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.shared_pixels import ROOM_BYTES, SharedPixels, preferred_parent

PICTURE = Picture(4, 4, PixelFormat.RGBA8, bytes(range(64)))


@pytest.fixture
def shared(tmp_path):
    (tmp_path / "one").mkdir()
    return SharedPixels(tmp_path / "one")


@pytest.fixture
def other(tmp_path):
    (tmp_path / "other").mkdir()
    return SharedPixels(tmp_path / "other")


def test_a_picture_of_another_folder_is_copied_and_stays_there(shared, other):
    here = shared.adopt(PICTURE)
    there = other.adopt(here)
    assert there == here == PICTURE
    assert there.folder == other.folder
    assert shared.view(here.name) == other.view(there.name)


def test_a_picture_that_nobody_else_needs_is_moved(shared, other):
    here = shared.adopt(PICTURE)
    there = other.adopt(here, move=True)
    assert there == PICTURE
    assert [path.name for path in other.folder.iterdir()] == [there.name]
    assert not list(shared.folder.iterdir())


def test_a_folder_that_takes_no_file_is_an_error_in_words(shared):
    shared.folder.rmdir()  # stands for a full disk
    with pytest.raises(BridgeError, match="cannot be put into") as caught:
        shared.adopt(PICTURE)
    assert caught.value.hint


def test_a_memory_file_system_without_room_is_passed_over(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=ROOM_BYTES - 1))
    assert preferred_parent(tmp_path) is None
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=ROOM_BYTES))
    assert preferred_parent(tmp_path) == tmp_path


def test_a_system_without_one_has_none(tmp_path):
    assert preferred_parent(tmp_path / "shm") is None
