"""Growing and the layer it grew for: one step of undo to the user, two to Krita."""

from __future__ import annotations

import pytest
from latent_bridge.joined import Joined, Move, Stage

SMALL, LARGE = (100, 80), (160, 80)
THERE = Joined(SMALL, LARGE)


def test_whoever_takes_the_layer_back_has_the_size_taken_back_too():
    going, move = THERE.seen(LARGE, layer=False, can_redo=True)
    assert move is Move.UNDO
    assert going.seen(LARGE, layer=False, can_redo=True) == (going, Move.NOTHING)  # Krita is still at it
    gone, move = going.seen(SMALL, layer=False, can_redo=True)
    assert (gone.stage, move) == (Stage.GONE, Move.NOTHING)


def test_whoever_brings_the_size_back_has_the_layer_brought_back_too():
    gone = Joined(SMALL, LARGE, Stage.GONE)
    assert gone.seen(SMALL, layer=False, can_redo=True) == (gone, Move.NOTHING)
    coming, move = gone.seen(LARGE, layer=False, can_redo=True)
    assert move is Move.REDO
    assert coming.seen(LARGE, layer=False, can_redo=True) == (coming, Move.NOTHING)
    assert coming.seen(LARGE, layer=True, can_redo=False) == (THERE, Move.NOTHING)


def test_a_layer_that_the_user_deletes_leaves_the_size_as_it_is():
    assert THERE.seen(LARGE, layer=False, can_redo=False) == (None, Move.NOTHING)


@pytest.mark.parametrize("size", [LARGE, (300, 300)])
def test_other_steps_change_nothing(size: tuple[int, int]):
    assert THERE.seen(size, layer=True, can_redo=True) == (THERE, Move.NOTHING)


def test_after_new_steps_there_is_nothing_to_bring_back():
    gone = Joined(SMALL, LARGE, Stage.GONE)
    assert gone.seen(SMALL, layer=False, can_redo=False) == (None, Move.NOTHING)
    assert gone.seen(LARGE, layer=False, can_redo=False) == (None, Move.NOTHING)


def test_two_quick_undos_by_the_user_are_understood():
    gone, move = THERE.seen(SMALL, layer=False, can_redo=True)
    assert (gone.stage, move) == (Stage.GONE, Move.NOTHING)
