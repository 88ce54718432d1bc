"""Rectangles of a canvas."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol.areas import Area, gathered, tiles_across

areas = st.builds(Area, st.integers(0, 40), st.integers(0, 40), st.integers(1, 30), st.integers(1, 30))
unhurried = settings(deadline=None)
SIDE = 8


def points(area: Area) -> set[tuple[int, int]]:
    return {(x, y) for x in range(area.x, area.right) for y in range(area.y, area.bottom)}


@given(areas, areas)
@unhurried
def test_what_two_have_in_common_is_in_both_and_in_what_is_around_them(one, other):
    common, around = one.common(other), one.around(other)
    assert (points(common) if common else set()) == points(one) & points(other)
    assert points(around) >= points(one) | points(other)


@given(areas)
@unhurried
def test_the_tiles_of_an_area_are_those_that_hold_one_of_its_pixels(area):
    across = tiles_across(70, SIDE)
    touched = {y // SIDE * across + x // SIDE for x, y in points(area)}
    assert set(area.tiles(across, SIDE)) == touched
    assert len(list(area.tiles(across, SIDE))) == len(touched)


@given(st.lists(areas, max_size=8))
@unhurried
def test_gathered_areas_cover_the_same_and_never_more_pixels_than_all_of_them_have(several):
    fewer = gathered(several)
    covered = set().union(*map(points, fewer)) if fewer else set()
    assert covered >= set().union(*map(points, several))
    assert sum(area.pixels for area in fewer) <= sum(area.pixels for area in several)


def test_strokes_that_overlap_become_one_and_distant_ones_stay_apart():
    assert gathered([Area(0, 0, 64, 64), Area(8, 0, 64, 64)]) == [Area(0, 0, 72, 64)]
    apart = [Area(0, 0, 64, 64), Area(1000, 1000, 64, 64)]
    assert gathered(apart) == apart
