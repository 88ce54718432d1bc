"""Frames for those who watch: never behind another, never more often than wanted."""

from __future__ import annotations

import asyncio

from bridge.daemon.live.watching import Watcher
from bridge.daemon.outbox import Outbox
from bridge.protocol.areas import Area
from bridge.protocol.live import LiveFrame
from bridge.protocol.messages import Pong
from bridge.protocol.pixels import Picture, PixelFormat

PICTURE = Picture(1, 1, PixelFormat.RGB8, b"abc")


def frame(number: int) -> LiveFrame:
    return LiveFrame(canvas="c", number=number, revision=number, area=Area(0, 0, 1, 1), picture=PICTURE)


async def test_a_slow_reader_gets_only_the_newest() -> None:
    outbox = Outbox()
    watcher = Watcher(outbox, 0, 1000)
    for number in range(5):
        watcher.offer(frame(number))
        await asyncio.sleep(0.002)
    message = await outbox.get()
    assert isinstance(message, LiveFrame)
    assert message.number == 4
    assert message.stamps.sent > 0


async def test_nothing_is_sent_twice() -> None:
    outbox = Outbox()
    watcher = Watcher(outbox, 0, 1000)
    watcher.offer(frame(1))
    assert (await outbox.get()) is not None
    outbox.put_last(watcher)
    outbox.put(Pong(request_id=1, uptime=0, engine="ready"))
    assert isinstance(await outbox.get(), Pong)


async def test_no_more_frames_come_than_wanted_and_the_last_one_does() -> None:
    outbox = Outbox()
    watcher = Watcher(outbox, 0, 20)
    for number in range(10):
        watcher.offer(frame(number))
        await asyncio.sleep(0)
    await asyncio.sleep(0.2)
    got = []
    while len(outbox):
        got.append(await outbox.get())
    numbers = [message.number for message in got if isinstance(message, LiveFrame)]
    assert numbers == [9]


async def test_who_has_left_is_sent_nothing() -> None:
    outbox = Outbox()
    watcher = Watcher(outbox, 0, 20)
    watcher.offer(frame(1))
    watcher.offer(frame(2))
    watcher.close()
    outbox.put(Pong(request_id=1, uptime=0, engine="ready"))
    assert isinstance(await outbox.get(), Pong)
    await asyncio.sleep(0.1)
    assert len(outbox) == 0
