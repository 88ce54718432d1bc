"""Jobs as a client lives through them, on the real engine over a real socket."""

import time

import numpy as np
import pytest

from bridge.protocol.errors import ErrorCode
from bridge.protocol.messages import (
    Attach,
    Cancel,
    Error,
    FetchResult,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobNotice,
    JobPreview,
    JobProgress,
    JobQueued,
    JobResult,
    JobStatus,
    ListJobs,
    Ping,
)
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import ImageToImage, Inpaint
from tests.daemon.peer import Peer, long_one, small


@pytest.fixture
def peer(tiny_daemon):
    with Peer(tiny_daemon.url, tiny_daemon.token) as connected:
        yield connected


@pytest.fixture
def job_id(request):
    return f"{request.node.name[5:35].replace('[', '.').replace(']', '')}.{time.time_ns()}"


def pixels(picture: Picture) -> np.ndarray:
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, -1)


def test_a_job_tells_its_whole_story_in_order(peer, job_id):
    status = peer.submit(job_id, small(images=2))
    assert isinstance(status, JobStatus)
    assert status.state == "queued"
    events = peer.events(job_id)
    lasting = [event for event in events if isinstance(event, (JobResult, JobFinished))]
    assert [type(event) for event in lasting] == [JobResult, JobResult, JobFinished]
    assert [event.seq for event in lasting] == [1, 2, 3]
    progress = [event for event in events if isinstance(event, JobProgress)]
    assert [event.fraction for event in progress] == sorted(event.fraction for event in progress)
    assert {"denoising", "decoding"} <= {event.stage for event in progress}
    assert any(event.eta is not None for event in progress)
    assert lasting[-1].timings["denoising"] > 0


def test_a_result_is_a_layer_with_its_recipe(peer, job_id):
    peer.submit(job_id, small(seed=11, images=2))
    first, second = (event.layer for event in peer.events(job_id) if isinstance(event, JobResult))
    assert (first.picture.width, first.picture.height, first.picture.format) == (64, 64, PixelFormat.RGBA8)
    assert (first.seed, second.seed) == (11, 12)
    assert first.recipe["task"] == "text-to-image"
    assert first.recipe["parameters"]["steps"] == 4
    assert first.recipe["model"]["id"] == "tiny"
    assert bytes(first.picture.pixels) != bytes(second.picture.pixels)


def test_submitting_twice_is_harmless(peer, job_id):
    peer.submit(job_id, small())
    again = peer.submit(job_id, small())
    assert isinstance(again, JobStatus)
    results = [event for event in peer.events(job_id) if isinstance(event, JobResult)]
    assert len(results) == 1
    assert peer.submit(job_id, small()).state == "finished"


def test_another_job_cannot_take_a_known_id(peer, job_id):
    peer.submit(job_id, small())
    refused = peer.submit(job_id, small(prompt="something else"))
    assert isinstance(refused, Error)
    assert refused.error.code is ErrorCode.JOB_ID_TAKEN
    peer.events(job_id)


def test_previews_come_when_asked_for(peer, job_id):
    peer.submit(job_id, small(steps=8), preview_side=32)
    previews = [event for event in peer.events(job_id) if isinstance(event, JobPreview)]
    assert previews
    assert all(max(event.picture.width, event.picture.height) <= 32 for event in previews)
    peer.submit(job_id + ".none", small(steps=8))
    assert not [event for event in peer.events(job_id + ".none") if isinstance(event, JobPreview)]


def test_cancelling_a_running_job_ends_it_within_a_step(peer, job_id):
    peer.submit(job_id, long_one())
    peer.at_stage(job_id, "denoising", 2)
    peer.ask(Cancel, job_id=job_id)
    events = peer.events(job_id)
    assert isinstance(events[-1], JobCancelled)
    steps = [event.step for event in events if isinstance(event, JobProgress)]
    assert not steps or max(steps) < 100
    peer.submit(job_id + ".next", small())
    assert isinstance(peer.events(job_id + ".next")[-1], JobFinished)


def test_cancelling_a_waiting_job_takes_it_out_of_the_queue(peer, job_id):
    peer.submit(job_id + ".long", long_one())
    peer.submit(job_id, small())
    assert peer.wait_for(JobQueued, job_id)
    assert peer.ask(Cancel, job_id=job_id).state == "cancelled"
    peer.ask(Cancel, job_id=job_id + ".long")
    assert isinstance(peer.events(job_id + ".long")[-1], JobCancelled)


def test_only_the_owner_cancels(tiny_daemon, peer, job_id):
    peer.submit(job_id, long_one())
    with Peer(tiny_daemon.url, tiny_daemon.token) as stranger:
        refused = stranger.ask(Cancel, job_id=job_id)
        assert isinstance(refused, Error)
        assert refused.error.code is ErrorCode.NOT_OWNER
    assert peer.ask(Cancel, job_id=job_id).job_id == job_id
    assert isinstance(peer.events(job_id)[-1], JobCancelled)


def test_cancelling_an_ended_job_changes_nothing(peer, job_id):
    peer.submit(job_id, small())
    peer.events(job_id)
    assert peer.ask(Cancel, job_id=job_id).state == "finished"


def test_waiting_jobs_hear_their_position(peer, job_id):
    names = [f"{job_id}.{number}" for number in range(4)]
    for name in names:
        peer.submit(name, small(steps=8))
    seen = [event for event in peer.events(names[-1]) if isinstance(event, JobQueued)]
    positions = [event.position for event in seen]
    assert positions == sorted(positions, reverse=True)
    assert positions[-1] == 0


def test_a_dropped_connection_loses_nothing(tiny_daemon, job_id):
    first = Peer(tiny_daemon.url, tiny_daemon.token)
    first.submit(job_id, small(images=3))
    first.wait_for(JobResult, job_id, index=0)
    first.socket.close()
    with Peer(tiny_daemon.url, tiny_daemon.token, session=first.secret) as second:
        status = second.ask(Attach, job_id=job_id, after=1)
        assert isinstance(status, JobStatus)
        results = [event for event in second.events(job_id) if isinstance(event, JobResult)]
        assert sorted({event.index for event in results}) == [1, 2]
        whole = second.ask(Attach, job_id=job_id, after=0)
        assert whole.state == "finished"
        again = [event for event in second.events(job_id) if isinstance(event, (JobResult, JobFinished))]
        assert [event.seq for event in again] == [1, 2, 3, 4]


def test_another_session_can_see_but_not_hear(tiny_daemon, peer, job_id):
    peer.submit(job_id, small(seed=5))
    mine = next(event for event in peer.events(job_id) if isinstance(event, JobResult))
    with Peer(tiny_daemon.url, tiny_daemon.token) as other:
        listed = {job.job_id: job for job in other.ask(ListJobs).jobs}
        assert (listed[job_id].state, listed[job_id].mine) == ("finished", False)
        fetched = other.ask(FetchResult, job_id=job_id, index=0)
        assert fetched.layer == mine.layer
        missing = other.ask(FetchResult, job_id=job_id, index=9)
        assert missing.error.code is ErrorCode.UNKNOWN_JOB


def test_an_evicted_result_is_told_and_does_not_stop_the_replay(daemon_factory, tiny_model):
    daemon = daemon_factory("--model", str(tiny_model), "--history-size", "0.001")
    with Peer(daemon.url, daemon.token) as peer:
        for seed, name in enumerate(("first", "second")):
            peer.submit(name, small(width=400, height=400, steps=1, seed=seed))
            peer.events(name)
        peer.submit("third", small())  # runs when the history has been brought to its size
        peer.events("third")
        peer.ask(Attach, job_id="first", after=0)
        replay = peer.events("first")
        assert [type(event) for event in replay] == [JobNotice, JobFinished]
        assert replay[0].notice.code is ErrorCode.RESULT_EVICTED
        assert peer.ask(FetchResult, job_id="first").error.code is ErrorCode.RESULT_EVICTED
        assert peer.ask(FetchResult, job_id="second").layer
    daemon.stop()


def test_unknown_jobs_are_named_as_such(peer):
    for request in (Attach, Cancel, FetchResult):
        assert peer.ask(request, job_id="nobody").error.code is ErrorCode.UNKNOWN_JOB


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"steps": 151}, ErrorCode.TOO_MANY_STEPS, "task.steps"),
        ({"images": 17}, ErrorCode.TOO_MANY_IMAGES, "task.images"),
        ({"width": 16384, "height": 16384}, ErrorCode.TOO_MANY_PIXELS, "task.width"),
        ({"model": "no-such-model"}, ErrorCode.UNKNOWN_MODEL, "task.model"),
    ],
)
def test_what_is_too_much_is_refused_by_name_and_the_connection_lives_on(peer, job_id, fields, code, field):
    refused = peer.submit(job_id, small(**fields))
    assert isinstance(refused, Error)
    assert (refused.error.code, refused.error.field) == (code, field)
    assert refused.error.hint
    assert peer.ask(Ping).engine


def test_a_session_cannot_fill_the_queue(daemon_factory, tiny_model):
    daemon = daemon_factory("--model", str(tiny_model))
    with Peer(daemon.url, daemon.token) as peer:
        most = peer.welcome.limits.queued_jobs
        replies = [peer.submit(f"job{number}", long_one()) for number in range(most + 1)]
        assert all(isinstance(reply, JobStatus) for reply in replies[:-1])
        assert replies[-1].error.code is ErrorCode.QUEUE_FULL
        with Peer(daemon.url, daemon.token) as other:
            assert isinstance(other.submit("others", small()), JobStatus)
    daemon.stop()


def test_a_mistake_that_only_the_engine_can_see_fails_the_job_with_a_hint(peer, job_id):
    blank = Picture(64, 64, PixelFormat.RGBA8, bytes(64 * 64 * 4))
    nothing_selected = Picture(64, 64, PixelFormat.GRAY8, bytes(64 * 64))
    peer.submit(job_id, Inpaint(image=blank, mask=nothing_selected, steps=2))
    failed = peer.events(job_id)[-1]
    assert isinstance(failed, JobFailed)
    assert failed.error.code is ErrorCode.INVALID_FIELD
    assert failed.error.hint
    listed = {job.job_id: job for job in peer.ask(ListJobs).jobs}
    assert listed[job_id].error == failed.error


def test_strength_zero_gives_the_input_back_exactly(peer, job_id):
    rng = np.random.default_rng(3)
    given = rng.integers(0, 256, (48, 80, 4), dtype=np.uint8)
    given[..., 3] = 255
    image = Picture(80, 48, PixelFormat.RGBA8, given.tobytes())
    peer.submit(job_id, ImageToImage(image=image, strength=0.0))
    result = next(event for event in peer.events(job_id) if isinstance(event, JobResult))
    assert np.array_equal(pixels(result.layer.picture), given)


def test_a_slow_reader_gets_every_result_and_holds_up_nobody(tiny_daemon, job_id):
    with Peer(tiny_daemon.url, tiny_daemon.token) as slow, Peer(tiny_daemon.url, tiny_daemon.token) as quick:
        slow.submit(job_id + ".slow", small(width=256, height=256, images=3, steps=2), preview_side=256)
        # `slow` reads nothing meanwhile.
        began = time.monotonic()
        quick.ask(Ping)
        assert time.monotonic() - began < 5
        quick.submit(job_id + ".quick", small())
        assert isinstance(quick.events(job_id + ".quick")[-1], JobFinished)
        results = [event for event in slow.events(job_id + ".slow") if isinstance(event, JobResult)]
        assert [event.index for event in results] == [0, 1, 2]
