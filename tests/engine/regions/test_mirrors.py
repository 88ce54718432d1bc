"""Beyond its region a prompt is shown the region itself, mirrored at the border."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from bridge.engine.regions.mirrors import mirrored_places, shown


def seen(share: list[list[float]], values: list[list[int]]) -> list[list[int]]:
    grid = torch.tensor(values)[None, None]
    return shown(grid, mirrored_places(torch.tensor(share)))[0, 0].tolist()


def test_a_half_is_reflected_into_the_other_one() -> None:
    assert seen([[1, 1, 1, 0, 0, 0]], [[1, 2, 3, 4, 5, 6]]) == [[1, 2, 3, 3, 2, 1]]
    assert seen([[0], [0], [1], [1]], [[1], [2], [3], [4]]) == [[4], [3], [3], [4]]


def test_a_small_region_keeps_sight_of_what_is_farther_off_than_it_is_wide() -> None:
    assert seen([[0, 0, 0, 1, 1, 0, 0, 0]], [[1, 2, 3, 4, 5, 6, 7, 8]]) == [[1, 5, 4, 4, 5, 5, 4, 8]]


def test_half_of_the_largest_share_is_where_a_region_ends() -> None:
    assert seen([[0.4, 0.4, 0.3, 0.1]], [[1, 2, 3, 4]]) == [[1, 2, 3, 3]]


def test_what_covers_everything_or_nothing_is_shown_everything() -> None:
    assert mirrored_places(torch.ones(3, 4)) is None
    assert mirrored_places(torch.zeros(3, 4)) is None


@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.sampled_from([0, 1])))
def test_what_is_its_own_stays_and_the_rest_is_its_own_or_stays(share: np.ndarray) -> None:
    places = mirrored_places(torch.from_numpy(share))
    if places is None:
        assert share.all() or not share.any()
        return
    here = np.arange(share.size).reshape(share.shape)
    moved = places.numpy() != here
    assert not moved[share == 1].any()
    assert (share.flatten()[places.numpy()[moved]] == 1).all()
