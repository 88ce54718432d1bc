"""Which part of the canvas the model gets to see."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.inpaint.context import Rect, bounds_of, compute_size, crop_rect, default_context
from bridge.engine.plan import Sizing


@st.composite
def cases(draw: st.DrawFn) -> tuple[Rect, int, int, int, int, int]:
    width, height = draw(st.integers(1, 5000)), draw(st.integers(1, 5000))
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    box = Rect(x, y, draw(st.integers(1, width - x)), draw(st.integers(1, height - y)))
    return (
        box,
        draw(st.integers(0, 600)),
        draw(st.integers(0, 1024)),
        draw(st.sampled_from([1, 8, 16, 64])),
        width,
        height,
    )


@given(cases())
def test_a_crop_lies_in_the_canvas_and_contains_what_is_needed(case: tuple[Rect, int, int, int, int, int]) -> None:
    box, margin, smallest, multiple, width, height = case
    crop = crop_rect(box, margin, smallest, multiple, width, height)
    assert 0 <= crop.x <= box.x
    assert 0 <= crop.y <= box.y
    assert box.right <= crop.right <= width
    assert box.bottom <= crop.bottom <= height


@given(cases())
def test_a_crop_comes_in_multiples_unless_the_canvas_is_too_small(case: tuple[Rect, int, int, int, int, int]) -> None:
    box, margin, smallest, multiple, width, height = case
    crop = crop_rect(box, margin, smallest, multiple, width, height)
    assert crop.width % multiple == 0 or crop.width == width
    assert crop.height % multiple == 0 or crop.height == height


@given(cases(), st.sampled_from([64, 256, 512, 1024]))
def test_what_is_computed_comes_in_multiples_and_keeps_the_aspect(
    case: tuple[Rect, int, int, int, int, int], native: int
) -> None:
    box, margin, smallest, multiple, width, height = case
    crop = crop_rect(box, margin, smallest, multiple, width, height)
    w, h = compute_size(crop, Sizing(native, multiple))
    assert w % multiple == 0
    assert h % multiple == 0
    # One and the same scale explains both sides, up to the rounding of each.
    lowest, highest = zip(*[scales(w, crop.width, multiple), scales(h, crop.height, multiple)], strict=True)
    assert max(lowest) <= min(highest) + 1e-9
    # A canvas thinner than the multiple has to be drawn wider than it is.
    assert w * h <= (1.25 * native + multiple) ** 2 * 2 or multiple in (w, h)


def scales(computed: int, side: int, multiple: int) -> tuple[float, float]:
    """The scales that lead from a side to the computed one."""
    lowest = 0.0 if computed == multiple else (computed - multiple / 2) / side
    return lowest, (computed + multiple / 2) / side


def test_a_small_selection_in_a_large_canvas_is_shown_with_its_surroundings() -> None:
    box = Rect(2000, 2000, 40, 40)
    crop = crop_rect(box, default_context(box, 4096, 4096), 256, 8, 4096, 4096)
    assert crop.width == crop.height == 552
    assert (crop.x, crop.y) == (1744, 1744)


def test_a_crop_at_the_edge_is_shifted_inside() -> None:
    assert crop_rect(Rect(0, 90, 10, 10), 20, 64, 8, 100, 100) == Rect(0, 36, 64, 64)


def test_a_large_crop_is_computed_at_the_native_area() -> None:
    assert compute_size(Rect(0, 0, 4096, 2048), Sizing(512, 8)) == (728, 360)


def test_a_crop_near_the_native_size_is_computed_as_it_is() -> None:
    assert compute_size(Rect(0, 0, 600, 512), Sizing(512, 8)) == (600, 512)


def test_a_small_crop_is_enlarged_but_not_beyond_use() -> None:
    assert compute_size(Rect(0, 0, 256, 256), Sizing(512, 8)) == (512, 512)
    assert compute_size(Rect(0, 0, 200, 200), Sizing(512, 8)) == (400, 400)


def test_bounds_are_those_of_everything_above_zero() -> None:
    mask = np.zeros((20, 30), np.uint8)
    assert bounds_of(mask) is None
    mask[3, 7] = 1
    mask[11, 20] = 255
    assert bounds_of(mask) == Rect(7, 3, 14, 9)


def test_a_crop_that_the_model_composes_in_one_go_keeps_its_detail():
    sizing = Sizing(native=128, multiple=8, whole=1024)
    assert compute_size(Rect(0, 0, 384, 384), sizing) == (384, 384)
    assert compute_size(Rect(0, 0, 2048, 2048), sizing) == (1024, 1024)
