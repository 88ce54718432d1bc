"""What was announced is still there afterwards, and the history keeps to its size."""

import pytest

from bridge.daemon.history import History, StoredEvent
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import ErrorInfo, JobSummary
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Layer


def layer(value: int, side: int = 16) -> Layer:
    return Layer(
        Picture(side, side, PixelFormat.RGBA8, bytes([value]) * side * side * 4),
        -3,
        5,
        42,
        {"task": {"prompt": "moss"}},
    )


def summary(job_id: str, created: float = 1.0) -> JobSummary:
    return JobSummary(job_id=job_id, state="queued", task="inpaint", prompt="moss", images=2, created=created)


@pytest.fixture
async def history(tmp_path):
    opened = await History.open(tmp_path, limit_bytes=1 << 20)
    yield opened
    await opened.close()


async def test_a_result_comes_back_as_it_was(history):
    await history.add_job(summary("a"), "ann", "f")
    stored = await history.add_result("a", 1, 0, layer(7))
    assert bytes(stored.pixels) == bytes(layer(7).picture.pixels)
    assert await history.layer("a", 0) == layer(7)


async def test_everything_survives_a_daemon_that_is_never_closed(tmp_path):
    first = await History.open(tmp_path, 1 << 20)
    await first.add_job(summary("a"), "ann", "f")
    await first.add_result("a", 1, 0, layer(7))
    await first.add_event("a", StoredEvent(2, "job_finished", {"timings": {}}), "finished")
    # What a SIGKILL leaves: the files as they are now, without any closing.
    copy = tmp_path.parent / "after-the-crash"
    import shutil

    shutil.copytree(tmp_path, copy)
    await first.close()
    second = await History.open(copy, 1 << 20)
    record = await second.job("a", viewer="ann")
    assert (record.summary.state, record.summary.results, record.summary.mine) == ("finished", 1, True)
    assert [event.type for event in await second.events("a")] == ["job_result", "job_finished"]
    assert await second.layer("a", 0) == layer(7)
    await second.close()


async def test_jobs_that_a_daemon_left_unfinished_are_named_interrupted(tmp_path):
    first = await History.open(tmp_path, 1 << 20)
    await first.add_job(summary("a"), "ann", "f")
    await first.add_result("a", 1, 0, layer(7))
    await first.close()
    second = await History.open(tmp_path, 1 << 20)
    record = await second.job("a")
    assert record.summary.state == "failed"
    assert record.summary.error.code is ErrorCode.INTERRUPTED
    assert record.summary.results == 1
    assert record.last_seq == 2
    failed = (await second.events("a"))[-1]
    assert (failed.type, failed.body["job_id"], failed.body["seq"]) == ("job_failed", "a", 2)
    await second.add_job(summary("a"), "ann", "f")
    again = await second.job("a")
    assert (again.summary.state, again.summary.error, again.summary.results) == ("queued", None, 1)
    assert [(event.seq, event.type) for event in await second.events("a")] == [(1, "job_result"), (2, "job_notice")]
    await second.close()


async def test_a_second_daemon_on_the_same_folder_is_refused(history, tmp_path):
    with pytest.raises(BridgeError) as caught:
        await History.open(tmp_path, 1 << 20)
    assert "another daemon" in caught.value.hint


async def test_events_after_a_number(history):
    await history.add_job(summary("a"), "ann", "f")
    for seq in range(1, 6):
        await history.add_event("a", StoredEvent(seq, "job_notice", {"n": seq}))
    assert [event.seq for event in await history.events("a", after=3)] == [4, 5]


async def test_a_failed_job_keeps_its_reason(history):
    await history.add_job(summary("a"), "ann", "f")
    error = ErrorInfo(ErrorCode.OUT_OF_MEMORY, "too large", "smaller")
    await history.add_event("a", StoredEvent(1, "job_failed", {}), "failed", error)
    assert (await history.job("a")).summary.error == error


async def test_the_oldest_results_make_room_and_their_recipes_stay(tmp_path):
    history = await History.open(tmp_path, limit_bytes=3 * 1024)
    for number in range(5):
        await history.add_job(summary(f"job{number}", created=number), "ann", "f")
        await history.add_result(f"job{number}", 1, 0, layer(number))
    assert await history.evict() == ["job0", "job1"]
    assert await history.layer("job2", 0) == layer(2)
    with pytest.raises(BridgeError) as caught:
        await history.layer("job0", 0)
    assert caught.value.code is ErrorCode.RESULT_EVICTED
    assert len(list((tmp_path / "pixels").glob("??/*"))) == 3
    await history.close()


async def test_equal_pixels_are_stored_once_and_kept_while_anybody_needs_them(tmp_path):
    history = await History.open(tmp_path, limit_bytes=1024)
    for name in ("a", "b"):
        await history.add_job(summary(name), "ann", "f")
        await history.add_result(name, 1, 0, layer(9))
    assert len(list((tmp_path / "pixels").glob("??/*"))) == 1
    assert await history.evict() == ["a"]
    assert await history.layer("b", 0) == layer(9)
    await history.close()


async def test_the_list_is_newest_first_and_tells_what_is_mine(history):
    await history.add_job(summary("old", 1.0), "ann", "f")
    await history.add_job(summary("new", 2.0), "bob", "f")
    assert [(job.job_id, job.mine) for job in await history.newest(10, "ann")] == [("new", False), ("old", True)]


async def test_unknown_images_are_a_typed_error(history):
    with pytest.raises(BridgeError) as caught:
        await history.layer("nobody", 0)
    assert caught.value.code is ErrorCode.UNKNOWN_JOB


async def test_a_write_that_was_cut_short_is_swept_up(tmp_path):
    leftover = tmp_path / "pixels" / "ab" / "x.partial"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half")
    await (await History.open(tmp_path, 1 << 20)).close()
    assert not leftover.exists()
