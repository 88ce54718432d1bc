"""Tiles cover everything, overlap, and agree on who says how much."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.upscale.tiles import Tiles, spans

CASES = {
    "cells": st.integers(1, 60),
    "tile": st.integers(1, 20),
    "multiple": st.sampled_from([4, 8, 16]),
    "wrap": st.booleans(),
}


@given(**CASES)
def test_weights_sum_up_to_1_everywhere(cells: int, tile: int, multiple: int, wrap: bool) -> None:
    for unit in (1, multiple // 2, multiple):
        total = np.zeros(cells * multiple // unit)
        for span in spans(cells * multiple, tile * multiple, multiple, wrap, unit):
            assert len(set(span.places.tolist())) == len(span)
            total[span.places] += span.weights
        assert np.allclose(total, 1, atol=1e-5)


@given(**CASES)
def test_no_tile_is_larger_than_asked_and_none_lies_outside(cells: int, tile: int, multiple: int, wrap: bool) -> None:
    found = spans(cells * multiple, tile * multiple, multiple, wrap, 1)
    assert all(len(span) == min(tile, cells) * multiple for span in found)
    assert all(span.places.min() >= 0 and span.places.max() < cells * multiple for span in found)
    if not wrap:
        assert all((np.diff(span.places) == 1).all() for span in found)


@given(**CASES)
def test_spans_in_two_units_are_the_same_tiles(cells: int, tile: int, multiple: int, wrap: bool) -> None:
    coarse = spans(cells * multiple, tile * multiple, multiple, wrap, multiple)
    fine = spans(cells * multiple, tile * multiple, multiple, wrap, 1)
    assert [span.start * multiple for span in coarse] == [span.start for span in fine]


def test_neighbours_share_a_quarter_of_a_tile() -> None:
    found = spans(1000, 64, 1, False, 1)
    shared = [len(set(one.places) & set(other.places)) for one, other in itertools.pairwise(found)]
    assert min(shared) >= 16


def test_a_seamless_edge_lies_inside_a_tile() -> None:
    for length in (32, 64, 100, 200):
        found = spans(length, 64, 1, True, 1)
        assert len(found) >= 2
        at_edge = max(
            min(span.weights[span.places == 0][0], span.weights[span.places == length - 1][0])
            for span in found
            if {0, length - 1} <= set(span.places.tolist())
        )
        assert at_edge > 0.3


def test_tiles_are_counted_over_both_sides() -> None:
    tiles = Tiles(256, 128, 128, 8, (256, 128), lambda *_: np.zeros((1, 1, 3), np.float32))
    assert tiles.count == 3
