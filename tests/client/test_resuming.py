"""Jobs survive their connection: nothing is lost, nothing is delivered twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from bridge.client import Bridge, ConnectionState, Job, LinkSettings, connect
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import (
    Attach,
    Cancel,
    Error,
    ErrorInfo,
    Goodbye,
    JobCancelled,
    JobEvent,
    JobFailed,
    JobFinished,
    JobNotice,
    JobPreview,
    JobProgress,
    JobResult,
    JobStatus,
    Limits,
    Ping,
    Pong,
    Submit,
)
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import ImageToImage, TextToImage

QUICK = LinkSettings(first_retry=0.01, last_retry=0.05)
TASK = TextToImage(prompt="moss", images=3, seed=5)
UNKNOWN = ErrorInfo(ErrorCode.UNKNOWN_JOB, "There is no such job.")
INTERRUPTED = ErrorInfo(ErrorCode.INTERRUPTED, "The daemon ended before this job did.")


@pytest.fixture
def bridge(scripted, token) -> Iterator[Bridge]:
    with connect(scripted.address, token=token, settings=QUICK) as bridge:
        yield bridge


def test_a_job_is_submitted_its_events_pass_and_its_result_comes(scripted, bridge, make_layer):
    daemon = scripted.accept()
    job = bridge.submit(TextToImage(prompt="moss", seed=5))
    submit = daemon.accept_job()
    assert (submit.task.prompt, submit.job_id) == ("moss", job.id)
    daemon.send(JobProgress(job_id=job.id, seq=0, stage="denoising", step=3, steps=9, fraction=0.3))
    daemon.finish(job.id)
    kinds = [type(event) for event in job.events(timeout=10)]
    assert kinds == [JobProgress, JobResult, JobFinished]
    assert job.result(0) == [make_layer()]
    assert (job.state, job.progress.step) == ("finished", 3)


def test_after_a_loss_the_client_asks_for_what_follows_the_last_event_it_has(scripted, bridge, make_layer):
    daemon = scripted.accept()
    seen: list[JobEvent] = []
    job = bridge.submit(TASK, on_event=lambda _, event: seen.append(event))
    daemon.accept_job()
    daemon.send(JobResult(job_id=job.id, seq=1, index=0, layer=make_layer(1)))
    daemon.send(JobResult(job_id=job.id, seq=2, index=1, layer=make_layer(2)))
    next(job.events(timeout=10))
    next(job.events(timeout=10))
    daemon.drop()

    again = scripted.accept()
    attach = again.receive(Attach)
    assert (attach.job_id, attach.after) == (job.id, 2)
    assert again.hello.session == daemon.hello.session == bridge.session
    again.send(JobStatus(request_id=attach.request_id, job_id=job.id, state="running", last_seq=3))
    again.send(JobResult(job_id=job.id, seq=2, index=1, layer=make_layer(2)))  # a daemon that repeats itself
    again.send(JobResult(job_id=job.id, seq=3, index=2, layer=make_layer(3)))
    again.send(JobFinished(job_id=job.id, seq=4))
    assert job.result(10) == [make_layer(1), make_layer(2), make_layer(3)]
    assert [event.seq for event in seen] == [1, 2, 3, 4]


def test_a_submit_that_may_not_have_arrived_is_looked_for_and_then_sent_again(scripted, bridge):
    daemon = scripted.accept()
    job = bridge.submit(TASK)
    first = daemon.receive(Submit)
    daemon.drop()

    again = scripted.accept()
    attach = again.receive(Attach)
    again.send(Error(request_id=attach.request_id, error=UNKNOWN))
    second = again.accept_job()
    assert (second.job_id, second.task) == (first.job_id, first.task)
    again.finish(job.id)
    assert len(job.result(10)) == 1


def test_a_daemon_that_forgot_the_job_gets_it_again_and_no_image_comes_twice(scripted, bridge, make_layer):
    daemon = scripted.accept()
    seen: list[JobEvent] = []
    job = bridge.submit(TASK, on_event=lambda _, event: seen.append(event))
    daemon.accept_job()
    for index in range(2):
        daemon.send(JobResult(job_id=job.id, seq=index + 1, index=index, layer=make_layer(index)))
        next(job.events(timeout=10))
    daemon.drop()

    restarted = scripted.accept()
    attach = restarted.receive(Attach)
    restarted.send(Error(request_id=attach.request_id, error=UNKNOWN))
    restarted.accept_job()
    for index in range(3):  # it numbers from 1 again, and makes all images again
        restarted.send(JobResult(job_id=job.id, seq=index + 1, index=index, layer=make_layer(index)))
    restarted.send(JobFinished(job_id=job.id, seq=4))
    assert job.result(10) == [make_layer(0), make_layer(1), make_layer(2)]
    assert [event.index for event in seen if isinstance(event, JobResult)] == [0, 1, 2]


def test_an_interrupted_job_is_sent_again_and_goes_on_where_it_was(scripted, bridge, make_layer):
    daemon = scripted.accept()
    job = bridge.submit(TASK)
    daemon.accept_job()
    daemon.drop()

    restarted = scripted.accept()
    attach = restarted.receive(Attach)
    restarted.send(JobStatus(request_id=attach.request_id, job_id=job.id, state="failed", last_seq=2))
    restarted.send(JobResult(job_id=job.id, seq=1, index=0, layer=make_layer(1)))
    restarted.send(JobFailed(job_id=job.id, seq=2, error=INTERRUPTED))
    assert restarted.accept_job().job_id == job.id
    restarted.finish(job.id, seq=3, index=1, value=2)
    assert job.result(10) == [make_layer(1), make_layer(2)]


def test_a_job_that_is_interrupted_again_and_again_is_given_up(scripted, bridge):
    daemon = scripted.accept()
    job = bridge.submit(TASK)
    for attempt in range(4):
        daemon.accept_job()
        daemon.send(JobFailed(job_id=job.id, seq=attempt + 1, error=INTERRUPTED))
    with pytest.raises(BridgeError) as caught:
        job.result(10)
    assert caught.value.code is ErrorCode.INTERRUPTED
    assert daemon.silent()


def test_jobs_submitted_without_a_connection_are_sent_when_there_is_one(scripted, token):
    port = scripted.port
    scripted.stop()
    with connect(f"127.0.0.1:{port}", token=token, wait=False, settings=QUICK) as bridge:
        job = bridge.submit(TASK)
        with pytest.raises(BridgeError) as caught:
            job.result(0.1)
        assert caught.value.code is ErrorCode.TIMEOUT
        late = type(scripted)(port)
        try:
            daemon = late.accept()
            daemon.accept_job()
            daemon.finish(job.id)
            assert len(job.result(10)) == 1
        finally:
            late.stop()


def test_questions_are_asked_again_over_the_new_connection(scripted, bridge):
    first = scripted.accept()
    answers: list[Pong] = []
    asker = threading.Thread(target=lambda: answers.append(bridge.ping()))
    asker.start()
    first.receive(Ping)
    first.drop()
    second = scripted.accept()
    ping = second.receive(Ping)
    second.send(Pong(request_id=ping.request_id, engine="ready", queued=3))
    asker.join(10)
    assert [answer.queued for answer in answers] == [3]


def test_the_same_job_submitted_twice_brings_what_the_first_submission_gave(scripted, bridge):
    daemon = scripted.accept()
    job = bridge.submit(TASK, job_id="mine")
    submit = daemon.receive(Submit)
    daemon.send(JobStatus(request_id=submit.request_id, job_id="mine", state="finished", last_seq=2))
    assert daemon.receive(Attach).after == 0
    daemon.finish("mine")
    assert len(job.result(10)) == 1


def test_a_job_of_a_former_run_is_taken_up_with_the_session_that_owns_it(scripted, token):
    with connect(scripted.address, token=token, session="s" * 20, settings=QUICK) as bridge:
        daemon = scripted.accept()
        assert daemon.hello.session == "s" * 20
        job = bridge.attach("old")
        daemon.receive(Attach)
        daemon.finish("old")
        assert len(job.result(10)) == 1
        unknown = bridge.attach("gone")
        attach = daemon.receive(Attach)
        daemon.send(Error(request_id=attach.request_id, error=UNKNOWN))
        with pytest.raises(BridgeError) as caught:
            unknown.result(10)
        assert caught.value.code is ErrorCode.UNKNOWN_JOB


def test_a_refused_submit_fails_the_job_with_the_daemons_reason(scripted, bridge):
    daemon = scripted.accept()
    job = bridge.submit(TASK)
    submit = daemon.receive(Submit)
    error = ErrorInfo(ErrorCode.QUEUE_FULL, "Too many jobs.", "Wait.", "task")
    daemon.send(Error(request_id=submit.request_id, error=error))
    with pytest.raises(BridgeError) as caught:
        job.result(10)
    assert (caught.value.code, caught.value.hint, caught.value.field) == (ErrorCode.QUEUE_FULL, "Wait.", "task")
    assert [type(event) for event in job] == [JobFailed]


def test_a_message_larger_than_the_daemon_takes_fails_before_it_is_sent_and_the_connection_lives(scripted, token):
    scripted.limits = Limits(message_bytes=1 << 16)
    with connect(scripted.address, token=token, settings=QUICK) as bridge:
        daemon = scripted.accept()
        picture = Picture(256, 256, PixelFormat.RGBA8, bytes(256 * 256 * 4))
        job = bridge.submit(ImageToImage(image=picture))
        with pytest.raises(BridgeError) as caught:
            job.result(10)
        assert caught.value.code is ErrorCode.MESSAGE_TOO_LARGE
        small = bridge.submit(TASK)
        daemon.accept_job()
        daemon.finish(small.id)
        assert len(small.result(10)) == 1


def test_a_large_picture_arrives_whole_although_it_travels_in_fragments(scripted, bridge):
    daemon = scripted.accept()
    pixels = bytes(range(256)) * (4 * 1024 * 12)
    bridge.submit(ImageToImage(image=Picture(1024 * 3, 1024, PixelFormat.RGBA8, pixels)))
    assert daemon.receive(Submit).task.image.pixels == pixels


def test_cancel_reaches_the_daemon_and_is_repeated_after_a_loss(scripted, bridge):
    daemon = scripted.accept()
    job = bridge.submit(TASK)
    daemon.accept_job()
    job.cancel()
    assert daemon.receive(Cancel).job_id == job.id
    daemon.drop()
    again = scripted.accept()
    again.receive(Attach)
    assert again.receive(Cancel).job_id == job.id
    again.send(JobCancelled(job_id=job.id, seq=1))
    with pytest.raises(BridgeError) as caught:
        job.result(10)
    assert (caught.value.code, job.state) == (ErrorCode.CANCELLED, "cancelled")


def test_a_job_cancelled_before_it_was_ever_sent_is_never_sent(scripted, token):
    port = scripted.port
    scripted.stop()
    with connect(f"127.0.0.1:{port}", token=token, wait=False, settings=QUICK) as bridge:
        job = bridge.submit(TASK)
        job.cancel()
        assert job.wait(10)
        assert job.state == "cancelled"
        late = type(scripted)(port)
        try:
            assert late.accept().silent()
        finally:
            late.stop()


def test_a_preview_that_nobody_took_is_replaced_by_the_next_one(scripted, bridge):
    daemon = scripted.accept()
    job = bridge.submit(TASK, preview_side=64)
    assert daemon.accept_job().preview_side == 64
    picture = Picture(1, 1, PixelFormat.RGB8, b"abc")
    for step in range(5):
        daemon.send(JobPreview(job_id=job.id, seq=0, step=step, picture=picture))
    daemon.finish(job.id)
    job.result(10)
    assert [event.step for event in job if isinstance(event, JobPreview)] == [4]


def test_events_of_one_job_are_not_held_up_by_a_mistake_in_another_ones_callback(scripted, bridge):
    daemon = scripted.accept()

    def broken(job: Job, event: JobEvent) -> None:
        raise ZeroDivisionError

    first, second = bridge.submit(TASK, on_event=broken), bridge.submit(TASK)
    for job in (first, second):
        daemon.accept_job()
        daemon.finish(job.id)
    assert len(first.result(10)) == len(second.result(10)) == 1


def test_waiting_in_a_callback_is_refused_instead_of_hanging(scripted, bridge):
    daemon = scripted.accept()
    caught: list[str] = []
    done = threading.Event()

    def waits(job: Job, event: JobEvent) -> None:
        for attempt in (lambda: job.result(5), bridge.ping):
            try:
                attempt()
            except RuntimeError as error:
                caught.append(str(error))
        done.set()

    job = bridge.submit(TASK, on_event=waits)
    daemon.accept_job()
    notice = ErrorInfo(ErrorCode.OUT_OF_MEMORY, "Computed in tiles.")
    daemon.send(JobNotice(job_id=job.id, seq=1, notice=notice))
    assert done.wait(10)
    assert len(caught) == 2
    assert "callback" in caught[0]


def test_closing_ends_whoever_waits_and_later_calls_are_refused(scripted, bridge):
    daemon = scripted.accept()
    job = bridge.submit(TASK)
    daemon.accept_job()
    threading.Timer(0.1, bridge.close).start()
    for attempt in (lambda: job.result(10), bridge.ping, lambda: bridge.submit(TASK)):
        with pytest.raises(BridgeError) as caught:
            attempt()
        assert caught.value.code is ErrorCode.NOT_CONNECTED
    job.cancel()  # harmless
    bridge.close()  # and again


def test_a_client_without_patience_for_ever_fails_its_jobs(scripted, token):
    with connect(scripted.address, token=token, settings=QUICK, patience=0.2) as bridge:
        daemon = scripted.accept()
        job = bridge.submit(TASK)
        daemon.accept_job()
        scripted.stop()
        with pytest.raises(BridgeError) as caught:
            job.result(10)
        assert caught.value.code is ErrorCode.NOT_CONNECTED
        assert "latent-bridge serve" in caught.value.hint


def test_every_change_of_the_connection_is_told(scripted, token):
    told: list[ConnectionState] = []
    reasons: list[str] = []
    connected_again = threading.Event()

    def note(connection) -> None:
        told.append(connection.state)
        if connection.state is ConnectionState.DISCONNECTED:
            reasons.append(connection.error.message)
        if told.count(ConnectionState.CONNECTED) == 2:
            connected_again.set()

    with connect(scripted.address, token=token, settings=QUICK, on_connection=note) as bridge:
        daemon = scripted.accept()
        daemon.send(Goodbye(error=ErrorInfo(ErrorCode.INTERNAL, "Going to bed.")))
        assert connected_again.wait(10)
        assert bridge.connected
    first = [ConnectionState.CONNECTING, ConnectionState.CONNECTED, ConnectionState.DISCONNECTED]
    assert told == [*first, ConnectionState.CONNECTING, ConnectionState.CONNECTED, ConnectionState.CLOSED]
    assert reasons == ["Going to bed."]


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param("text", id="text"),
        pytest.param(b"not a frame", id="bytes"),
    ],
)
def test_a_peer_that_does_not_keep_to_the_protocol_is_left_and_tried_again(scripted, bridge, nonsense):
    daemon = scripted.accept()
    job = bridge.submit(TASK)
    daemon.accept_job()
    daemon.websocket.send(nonsense)
    daemon.over.set()
    again = scripted.accept()
    again.receive(Attach)
    again.finish(job.id)
    assert len(job.result(10)) == 1


def test_a_message_from_a_newer_daemon_is_passed_over(scripted, bridge):
    from bridge.protocol.frames import encode_frame

    daemon = scripted.accept()
    daemon.websocket.send(encode_frame({"type": "weather", "body": {"rain": True}}))
    job = bridge.submit(TASK)
    daemon.accept_job()
    daemon.finish(job.id)
    assert len(job.result(10)) == 1


@pytest.mark.parametrize("moment", ["after submit", "after an event", "after a result", "before the end"])
def test_whatever_the_moment_of_the_loss_the_job_ends_with_all_images(scripted, bridge, make_layer, moment):
    """The daemon keeps the log of lasting events and sends what `attach` asks for, as the real one does."""
    log: list[Callable[[str], JobEvent]] = [
        lambda job: JobResult(job_id=job, seq=1, index=0, layer=make_layer(1)),
        lambda job: JobNotice(job_id=job, seq=2, notice=INTERRUPTED),
        lambda job: JobResult(job_id=job, seq=3, index=1, layer=make_layer(2)),
        lambda job: JobFinished(job_id=job, seq=4),
    ]
    told = {"after submit": 0, "after a result": 1, "after an event": 2, "before the end": 3}[moment]
    seen: list[int] = []
    job = bridge.submit(TASK, on_event=lambda _, event: seen.append(event.seq))
    daemon = scripted.accept()
    daemon.accept_job()
    for event in log[:told]:
        daemon.send(event(job.id))
    daemon.websocket.close() if told % 2 else daemon.drop()
    daemon.over.set()
    again = scripted.accept()
    attach = again.receive(Attach)
    again.send(JobStatus(request_id=attach.request_id, job_id=job.id, state="running", last_seq=3))
    for event in log[attach.after :]:
        again.send(event(job.id))
    assert job.result(10) == [make_layer(1), make_layer(2)]
    assert seen == [1, 2, 3, 4]
