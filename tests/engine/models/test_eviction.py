"""What is cheap to bring back leaves first; what is not used sinks."""

import pytest

from bridge.engine.models.eviction import ReloadWorth


def test_the_one_that_loads_fastest_for_its_size_leaves_first():
    worth = ReloadWorth()
    worth.used("slow", 10, 100)
    worth.used("fast", 1, 100)
    worth.used("small and slow", 10, 10)
    assert worth.cheapest() == "fast"


def test_of_equals_the_one_used_longest_ago_leaves_first():
    worth = ReloadWorth()
    for name in ("a", "b", "c"):
        worth.used(name, 1, 1)
    worth.used("a", 1, 1)
    assert worth.cheapest() == "b"


def test_what_is_never_used_again_leaves_in_the_end_however_slowly_it_loads():
    worth = ReloadWorth()
    worth.used("huge", 5, 1)
    for number in range(20):
        if worth.cheapest() == "huge":
            break
        worth.used(number, 1, 1)
        worth.give_up(worth.cheapest())
    assert worth.cheapest() == "huge"


def test_what_was_removed_for_another_reason_raises_no_floor():
    worth = ReloadWorth()
    worth.used("a", 100, 1)
    worth.forget("a")
    worth.used("b", 1, 1)
    worth.used("c", 2, 1)
    assert worth.cheapest() == "b"
    assert len(worth) == 2


def test_an_empty_one_has_nothing_to_give():
    with pytest.raises(ValueError, match="empty"):
        ReloadWorth().cheapest()
