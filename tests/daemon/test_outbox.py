"""A slow reader misses what is out of date, never a result."""

import asyncio

from bridge.daemon.outbox import MOST_WAITING, Outbox
from bridge.protocol.messages import JobPreview, JobProgress, JobResult, Pong
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Layer

DOT = Picture(1, 1, PixelFormat.RGBA8, bytes(4))


def preview(job: str, step: int) -> JobPreview:
    return JobPreview(job_id=job, seq=0, step=step, picture=DOT)


async def everything(outbox: Outbox) -> list:
    return [await outbox.get() for _ in range(len(outbox))]


async def test_a_newer_preview_replaces_the_one_that_waits():
    outbox = Outbox()
    for step in range(100):
        outbox.put(preview("a", step))
    outbox.put(preview("b", 1))
    assert await everything(outbox) == [preview("a", 99), preview("b", 1)]


async def test_results_and_replies_are_all_kept_in_order():
    outbox = Outbox()
    sent = [JobResult(job_id="a", seq=n, index=n, layer=Layer(DOT)) for n in range(50)]
    for n, result in enumerate(sent):
        outbox.put(result)
        outbox.put(JobProgress(job_id="a", seq=n, stage="denoising", step=n))
    outbox.put(Pong(request_id=1))
    received = await everything(outbox)
    assert [message for message in received if isinstance(message, JobResult)] == sent
    assert [message.step for message in received if isinstance(message, JobProgress)] == [49]
    assert received[-1] == Pong(request_id=1)


async def test_a_reader_waits_until_there_is_something():
    outbox = Outbox()
    waiting = asyncio.create_task(outbox.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.put(Pong(request_id=3))
    assert await waiting == Pong(request_id=3)


async def test_a_reader_that_never_reads_is_cut_off():
    outbox = Outbox()
    for number in range(MOST_WAITING + 1):
        outbox.put(Pong(request_id=number))
    assert outbox.overflowed
    assert await outbox.get() is None
