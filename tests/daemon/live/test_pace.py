"""How large frames are, and when one is given up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.daemon.live.pace import FrameSize, Pace, worth_giving_up
from bridge.protocol.engine_link import ModelSource


def model(native: int = 512, whole: int = 0) -> ModelSource:
    return ModelSource(id="m", location="/m", native_size=native, whole_size=whole, size_multiple=8)


def settled(pace: Pace, seconds: float, seconds_per_pixel: float) -> FrameSize:
    """The size of drafts after a while, where a pixel takes so long."""
    size = pace.draft(seconds)
    for _ in range(20):
        pace.took(size, size.pixels * seconds_per_pixel)
        size = pace.draft(seconds)
    return size


def test_the_first_draft_is_as_large_as_the_model_likes() -> None:
    assert Pace(model(256, whole=1024), 1024, 1024).draft(0.25).width == 256


def test_a_slow_machine_gets_smaller_drafts_but_none_that_models_paint_mush_at() -> None:
    pace = Pace(model(512, whole=1024), 1024, 1024)
    assert settled(pace, 0.25, 1.0).width == 256


def test_a_quick_machine_gets_the_whole() -> None:
    pace = Pace(model(512, whole=1024), 1024, 1024)
    assert settled(pace, 0.25, 1e-9) == pace.full
    assert pace.full.scale == 1


def test_more_than_a_model_composes_is_reduced() -> None:
    assert Pace(model(512), 4096, 2048).full.scale == pytest.approx(1.25 * 512 / (4096 * 2048) ** 0.5)


def test_a_tiny_canvas_is_computed_larger() -> None:
    assert Pace(model(512), 128, 128).full.width == 256


def test_a_size_stays_while_it_is_about_right() -> None:
    pace = Pace(model(512, whole=1024), 1024, 1024)
    size = settled(pace, 0.25, 0.25 / 512**2)
    for factor in (0.8, 1.2, 0.9, 1.1):
        pace.took(size, 0.25 * factor)
        assert pace.draft(0.25) == size


@given(st.integers(16, 8192), st.integers(16, 8192), st.sampled_from([64, 128, 512, 1024]), st.floats(1e-9, 1e-3))
def test_sizes_are_multiples_and_keep_the_shape(width: int, height: int, native: int, speed: float) -> None:
    pace = Pace(model(native), width, height)
    for size in (pace.full, settled(pace, 0.2, speed)):
        assert size.width % 8 == size.height % 8 == 0
        assert abs(size.width - width * size.scale) <= 8
        assert abs(size.height - height * size.scale) <= 8


def test_a_draft_is_given_up_where_a_step_ends_early_and_never_twice_in_a_row() -> None:
    assert worth_giving_up(0.2, 4, gave_up_last=False)
    assert worth_giving_up(0.2, 2, gave_up_last=False)
    assert not worth_giving_up(0.2, 2, gave_up_last=True)
    assert not worth_giving_up(0.6, 4, gave_up_last=False)


def test_a_draft_of_one_step_is_always_finished() -> None:
    assert not worth_giving_up(0.0, 1, gave_up_last=False)


def test_a_draft_that_is_late_is_finished() -> None:
    assert not worth_giving_up(1.5, 4, gave_up_last=False)
