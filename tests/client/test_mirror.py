"""Whoever writes whatever whenever: in the end every copy of a canvas is the daemon's."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.client.mirror import Mirror
from bridge.daemon.canvas import Canvas
from bridge.daemon.canvas_feed import LayerFeed
from bridge.daemon.outbox import Outbox
from bridge.protocol.areas import Area
from bridge.protocol.canvases import CanvasChanged, CanvasLayer, CanvasPatched, Piece
from bridge.protocol.errors import BridgeError
from bridge.protocol.pixels import Picture, PixelFormat

SIDE = 160
LAYER = CanvasLayer("image", format=PixelFormat.GRAY8)


def piece(area: Area, value: int) -> Piece:
    return Piece(area.x, area.y, Picture(area.width, area.height, PixelFormat.GRAY8, bytes([value]) * area.pixels))


class Writer:
    """A client, with what is on its way to it and from it."""

    def __init__(self, author: int, canvas: Canvas) -> None:
        self.author = author
        self.mirror = Mirror(canvas.info(()))
        self.sent: list[tuple[int, Piece, int]] = []
        self.outbox = Outbox()
        self.feed = LayerFeed(canvas, "image", author)
        self.told_of_losses = 0

    def paint(self, what: Piece) -> None:
        change = self.mirror.patch("image", [what])
        self.sent.append((change.number, what, change.seen))

    async def hear(self) -> None:
        message = await self.outbox.get()
        if isinstance(message, CanvasChanged):
            self.mirror.changed(message)
            self.told_of_losses += message.lost
        elif isinstance(message, CanvasPatched):
            self.mirror.answered(message.request_id, message.revision)


class World:
    """A daemon with one canvas and its writers. Every connection keeps its order, and nothing else has one."""

    def __init__(self, writers: int) -> None:
        self.canvas = Canvas("c", SIDE, SIDE, [LAYER])
        self.writers = [Writer(number, self.canvas) for number in range(writers)]

    def receive(self, writer: Writer) -> None:
        """The daemon reads the next change of a writer."""
        number, what, seen = writer.sent.pop(0)
        change = self.canvas.patch(writer.author, "image", [what], seen)
        for other in self.writers:
            if other is not writer:
                other.feed.add(change)
                other.outbox.put_last(other.feed)
        writer.outbox.put(CanvasPatched(request_id=number, revision=change.revision))

    async def settle(self) -> None:
        for writer in self.writers:
            while writer.sent:
                self.receive(writer)
        for writer in self.writers:
            while len(writer.outbox):
                await writer.hear()

    def agree(self) -> bool:
        there = self.canvas.pixels("image").piece(Area(0, 0, SIDE, SIDE))
        return all(writer.mirror.pixels("image").piece(Area(0, 0, SIDE, SIDE)) == there for writer in self.writers)


steps = st.lists(
    st.tuples(
        st.sampled_from(["paint", "receive", "hear"]),
        st.integers(0, 2),
        st.builds(Area, st.integers(0, 80), st.integers(0, 80), st.integers(1, 80), st.integers(1, 80)),
    ),
    max_size=40,
)


@given(steps)
@settings(deadline=None, max_examples=300)
def test_all_copies_agree_in_the_end_whatever_overtakes_whatever(moves):
    async def play() -> None:
        world = World(3)
        for number, (move, who, area) in enumerate(moves):
            writer = world.writers[who]
            if move == "paint":
                writer.paint(piece(area, number + 1))
            elif move == "receive" and writer.sent:
                world.receive(writer)
            elif move == "hear" and len(writer.outbox):
                await writer.hear()
        await world.settle()
        assert world.agree()
        assert not any(writer.mirror.pending for writer in world.writers)
        assert {writer.mirror.revision for writer in world.writers} == {world.canvas.revision}

    asyncio.run(play())


async def test_of_two_who_write_the_same_place_the_last_wins_and_the_other_is_told():
    world = World(2)
    ann, bob = world.writers
    ann.paint(piece(Area(0, 0, 10, 10), 1))
    bob.paint(piece(Area(5, 5, 10, 10), 2))
    world.receive(ann)
    world.receive(bob)
    await world.settle()
    assert world.agree()
    assert ann.mirror.pixels("image").piece(Area(7, 7, 1, 1)).picture.pixels == b"\x02"
    assert (ann.told_of_losses, bob.told_of_losses) == (1, 0)


async def test_changes_under_way_keep_their_order_when_another_comes_below_the_first():
    world = World(2)
    ann, bob = world.writers
    bob.paint(piece(Area(0, 0, 10, 10), 9))
    world.receive(bob)
    ann.paint(piece(Area(5, 5, 30, 30), 1))
    ann.paint(piece(Area(20, 20, 30, 30), 2))  # over the first, and out of the other's reach
    await ann.hear()
    assert ann.mirror.pixels("image").piece(Area(25, 25, 1, 1)).picture.pixels == b"\x02"
    await world.settle()
    assert world.agree()


async def test_who_paints_over_what_he_has_seen_takes_nothing_from_anybody():
    world = World(2)
    ann, bob = world.writers
    ann.paint(piece(Area(0, 0, 10, 10), 1))
    await world.settle()
    bob.paint(piece(Area(0, 0, 10, 10), 2))
    await world.settle()
    assert world.agree()
    assert ann.told_of_losses == 0


async def test_a_slow_reader_gets_one_change_with_what_is_newest():
    world = World(2)
    ann, bob = world.writers
    for value in range(1, 200):
        ann.paint(piece(Area(value % 7, 0, 60, 60), value))
        world.receive(ann)
    assert len(bob.outbox) == 1
    await world.settle()
    assert world.agree()


def test_a_change_that_does_not_fit_changes_nothing():
    mirror = Mirror(Canvas("c", SIDE, SIDE, [LAYER]).info(()))
    fitting, beyond = piece(Area(0, 0, 9, 9), 1), piece(Area(150, 0, 20, 1), 1)
    with pytest.raises(BridgeError):
        mirror.patch("image", [fitting, beyond])
    assert not any(mirror.pixels("image").piece(Area(0, 0, 9, 9)).picture.pixels)
    assert not mirror.pending
