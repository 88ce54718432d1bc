"""On one machine pixels go through files; wherever that is not possible, they go through the connection as ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest

from bridge.client import Bridge, LinkSettings, connect
from bridge.client.shared_files import SMALLEST_FILE, SharedFiles
from bridge.protocol.messages import Attach, JobFinished, JobResult, Welcome
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.shared_pixels import SharedPixels
from bridge.protocol.tasks import ImageToImage, Layer
from bridge.protocol.wire import describe_picture

QUICK = LinkSettings(first_retry=0.01, last_retry=0.05)
PIXELS = numpy.random.default_rng(3).integers(0, 256, (128, 128, 4), dtype=numpy.uint8).tobytes()
PICTURE = Picture(128, 128, PixelFormat.RGBA8, PIXELS)
TASK = ImageToImage(image=PICTURE, strength=0.0, seed=1)
DIGEST = "ab" * 16


class DaemonEnd:
    """What a daemon does with files: opens those of the inbox and names the one result that there is."""

    def __init__(self, inbox: Path) -> None:
        self.inbox = SharedPixels(inbox)

    def give(self, picture: Picture) -> str | None:
        return f"ab/{DIGEST}" if picture.nbytes >= SMALLEST_FILE else None

    def take(self, description, path):
        return self.inbox.open(description, path)


@pytest.fixture
def folders(scripted, tmp_path) -> tuple[Path, Path]:
    """An inbox and results as a daemon offers them."""
    inbox, results = tmp_path / "inbox", tmp_path / "results"
    inbox.mkdir()
    (results / "ab").mkdir(parents=True)
    scripted.inbox, scripted.results = str(inbox), str(results)
    return inbox, results


@pytest.fixture
def bridge(scripted, token, folders) -> Iterator[Bridge]:
    with connect(scripted.address, token=token, settings=QUICK) as bridge:
        yield bridge


def test_a_large_picture_is_written_to_the_inbox_and_named(scripted, bridge, folders):
    daemon = scripted.accept()
    daemon.session.files = DaemonEnd(folders[0])
    bridge.submit(TASK)
    assert daemon.accept_job().task.image == PICTURE
    (written,) = folders[0].iterdir()
    assert written.read_bytes() == PIXELS


def test_a_small_picture_goes_through_the_connection(scripted, bridge, folders):
    daemon = scripted.accept()
    small = Picture(8, 8, PixelFormat.GRAY8, bytes(64))
    bridge.submit(ImageToImage(image=small, seed=1))
    assert daemon.accept_job().task.image == small
    assert not list(folders[0].iterdir())


def test_a_result_is_read_from_the_file_that_the_daemon_names(scripted, bridge, folders):
    (folders[1] / "ab" / DIGEST).write_bytes(PIXELS)
    daemon = scripted.accept()
    job = bridge.submit(TASK)
    daemon.session.files = DaemonEnd(folders[0])
    daemon.accept_job()
    daemon.send(JobResult(job_id=job.id, seq=1, layer=Layer(PICTURE)))
    daemon.send(JobFinished(job_id=job.id, seq=2))
    assert job.result(10)[0].picture == PICTURE


def test_a_result_whose_file_is_not_there_comes_through_a_new_connection_without_files(scripted, bridge, folders):
    daemon = scripted.accept()
    job = bridge.submit(TASK)
    daemon.session.files = DaemonEnd(folders[0])
    daemon.accept_job()
    daemon.send(JobResult(job_id=job.id, seq=1, layer=Layer(PICTURE)))
    daemon.over.set()
    again = scripted.accept()
    assert not again.hello.share_files
    again.receive(Attach)
    again.send(JobResult(job_id=job.id, seq=1, layer=Layer(PICTURE)))
    again.send(JobFinished(job_id=job.id, seq=2))
    assert job.result(10)[0].picture == PICTURE


def test_a_client_that_cannot_reach_the_folders_connects_again_without_them(scripted, token, folders):
    """As one would that came through a tunnel: the daemon takes it for a neighbour, its folders are elsewhere."""
    scripted.inbox = str(folders[0] / "on another machine")
    with connect(scripted.address, token=token, settings=QUICK) as bridge:
        assert scripted.accept().hello.share_files
        daemon = scripted.accept()
        assert not daemon.hello.share_files
        bridge.submit(TASK)
        assert daemon.accept_job().task.image == PICTURE


def test_files_are_not_shared_by_a_client_that_was_told_not_to(scripted, token):
    with connect(scripted.address, token=token, settings=LinkSettings(share_files=False)):
        assert not scripted.accept().hello.share_files


def test_a_full_inbox_is_no_reason_to_fail(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    files = SharedFiles.of(Welcome(request_id=0, version=1, daemon="d", inbox=str(folder), results=str(tmp_path)))
    folder.rmdir()  # stands for a full disk
    assert files.give(PICTURE) is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "ab/../../x", "", DIGEST])
def test_only_names_of_results_are_opened(folders, name):
    files = SharedFiles(SharedPixels(folders[0]), folders[1], largest=1 << 30)
    with pytest.raises(Exception, match="cannot be read"):
        files.take({**describe_picture(PICTURE), "file": name}, "layer.picture")


def test_the_real_daemon_shares_files_and_keeps_none_of_them(daemon):
    with connect(daemon.url, token=daemon.token) as bridge:
        inbox, results = Path(bridge.welcome.inbox), Path(bridge.welcome.results)
        layer = bridge.submit(TASK).result(300)[0]
        assert bytes(layer.picture.pixels) == PIXELS
        assert not list(inbox.iterdir())
        assert list(inbox.parent.glob("*.px")) == []
        assert any(path.read_bytes() == PIXELS for path in results.glob("??/*"))
    wait_until_gone(inbox)


def test_both_ways_give_the_same_bytes(daemon):
    task = ImageToImage(image=PICTURE, prompt="moss", strength=0.5, steps=4, seed=4)
    with connect(daemon.url, token=daemon.token) as bridge:
        through_files = bridge.submit(task).result(300)
    with connect(daemon.url, token=daemon.token, settings=LinkSettings(share_files=False)) as bridge:
        assert not bridge.welcome.inbox
        assert bridge.submit(task).result(300) == through_files


def wait_until_gone(folder: Path, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while folder.exists():
        assert time.monotonic() < deadline, f"{folder} is left over"
        time.sleep(0.01)
