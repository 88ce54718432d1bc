"""The speed of a link from what is acknowledged when; simulated links, no clock."""

from __future__ import annotations

import pytest

from bridge.protocol.link_speed import LinkSpeed

GUESS = 1e9


class Line:
    """A link with a speed in bytes a second and a latency in seconds, and the time on it."""

    def __init__(self, rate: float, latency: float, known_latency: float | None = None, guess: float = GUESS) -> None:
        self.rate, self.latency = rate, latency
        self.speed = LinkSpeed(guess, latency if known_latency is None else known_latency)
        self.now, self.free, self.key = 100.0, 0.0, 0
        self.under_way: list[tuple[int, float]] = []

    def send(self, nbytes: int) -> None:
        self.key += 1
        self.speed.sent(self.key, nbytes, self.now)
        self.free = max(self.free, self.now) + nbytes / self.rate
        self.under_way.append((self.key, self.free + self.latency))

    def settle(self) -> None:
        """Let everything arrive."""
        for key, time in self.under_way:
            self.now = max(self.now, time)
            self.speed.acknowledged(key, time)
        self.under_way.clear()

    def send_all(self, *sizes: int, pause: float = 1.0) -> LinkSpeed:
        """One after another, each when the one before has been acknowledged."""
        for size in sizes:
            self.send(size)
            self.settle()
            self.now += pause
        return self.speed


def test_before_anything_is_measured_the_guess_holds():
    assert LinkSpeed(12.5e6, 0.02).bytes_per_second == 12.5e6


@pytest.mark.parametrize("rate", [1.25e6, 12.5e6, 125e6])
@pytest.mark.parametrize("latency", [0.0001, 0.02])
def test_large_transfers_tell_the_speed(rate, latency):
    """Within what `HANDLING_SECONDS` makes of the 33 ms that the fastest of them takes."""
    speed = Line(rate, latency).send_all(*[4 << 20] * 8)
    assert speed.bytes_per_second == pytest.approx(rate, rel=0.02)


def test_what_is_sent_without_waiting_is_not_counted_twice():
    line = Line(1.25e6, 0.05)
    for _ in range(10):
        for _ in range(5):
            line.send(100_000)
        line.settle()
        line.now += 1
    assert line.speed.bytes_per_second == pytest.approx(1.25e6, rel=0.05)


def test_a_latency_that_is_thought_too_long_is_corrected_by_something_tiny():
    """Otherwise transfers would seem to have taken no time."""
    line = Line(1.25e6, 0.02, known_latency=0.3)
    assert line.send_all(*[256 << 10] * 8).bytes_per_second == GUESS  # 0.23 s, less than the latency: nothing learned
    line.send_all(200)
    assert line.send_all(*[256 << 10] * 8).bytes_per_second == pytest.approx(1.25e6, rel=0.01)


def test_tiny_messages_say_nothing_about_speed():
    assert Line(1e9, 0.05).send_all(*[500] * 500).bytes_per_second == GUESS


def test_a_few_slow_answers_do_not_make_a_fast_link_slow():
    line = Line(125e6, 0.001)
    line.send_all(*[1 << 20] * 4)
    for _ in range(3):
        line.latency = 0.5  # the other end was busy
        line.send_all(1 << 20)
    assert line.speed.bytes_per_second > 100e6


def test_a_link_that_became_slow_is_noticed():
    line = Line(125e6, 0.01)
    line.send_all(*[1 << 20] * 8)
    line.rate = 1.25e6
    assert line.send_all(*[1 << 20] * 4).bytes_per_second == pytest.approx(1.25e6, rel=0.01)


def test_one_acknowledgement_may_stand_for_several_messages():
    speed = LinkSpeed(GUESS, 0.01)
    for turn in range(8):
        speed.sent(10 * turn + 1, 500_000, turn)
        speed.sent(10 * turn + 2, 500_000, turn)
        speed.acknowledged(10 * turn + 2, turn + 0.51)
    assert speed.bytes_per_second == pytest.approx(2e6, rel=0.01)


def test_acknowledgements_of_nothing_are_passed_over():
    speed = LinkSpeed(GUESS, 0.01)
    speed.acknowledged(7, 1.0)
    speed.sent(8, 1 << 20, 2.0)
    speed.acknowledged(7, 3.0)
    assert speed.bytes_per_second == GUESS


def test_what_is_never_acknowledged_takes_no_memory():
    speed = LinkSpeed(GUESS, 0.01)
    for key in range(100_000):
        speed.sent(key, 1000, 0.0)
    assert len(speed._in_flight) < 2000


def test_many_small_messages_do_not_make_a_fast_link_slow():
    """A dab takes a third of a millisecond there, which is what its handling costs and not the link."""
    speed = LinkSpeed(GUESS, 0.001)
    for number in range(500):
        speed.sent(number, 16 << 10, 0.0)
    for number in range(500):
        speed.acknowledged(number, 0.001 + number * 0.35e-3)
    assert speed.bytes_per_second == GUESS


def test_dabs_sent_one_after_another_tell_the_speed_of_a_slow_link_although_their_answers_come_in_bunches():
    line = Line(1.25e6, 0.01)
    for _ in range(6):
        for _ in range(12):
            line.send(16 << 10)
        line.under_way = [(key, max(line.under_way[min(index // 4 * 4 + 3, 11)][1], time))
                          for index, (key, time) in enumerate(line.under_way)]  # fmt: skip
        line.settle()
        line.now += 1
    assert line.speed.bytes_per_second == pytest.approx(1.25e6, rel=0.4)
