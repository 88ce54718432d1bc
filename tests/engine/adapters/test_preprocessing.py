"""What the preprocessors make of pictures whose lines are known."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.engine.adapters.preprocessing import preprocess
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import PREPROCESSORS


def square(background: float, inside: float) -> np.ndarray:
    """A square from 16 to 48 on 64 × 64 pixels."""
    picture = np.full((64, 64, 3), background, np.float32)
    picture[16:48, 16:48] = inside
    return picture


@pytest.mark.parametrize("name", PREPROCESSORS)
def test_size_stays_and_values_are_colours(name: str) -> None:
    made = preprocess(name, np.random.default_rng(0).random((40, 72, 3), dtype=np.float32), "task.controls")
    assert made.shape == (40, 72, 3)
    assert made.dtype == np.float32
    assert 0 <= made.min() < made.max() <= 1


@pytest.mark.parametrize("name", PREPROCESSORS)
def test_an_even_picture_has_no_lines(name: str) -> None:
    assert preprocess(name, np.full((32, 32, 3), 0.7, np.float32), "task.controls").max() < 1e-5


def test_canny_draws_the_outline_and_nothing_else() -> None:
    edges = preprocess("canny", square(0.2, 0.8), "task.controls")[..., 0]
    assert set(np.unique(edges)) == {0, 1}
    rows, columns = np.nonzero(edges)
    outside = np.maximum(np.abs(rows - 31.5), np.abs(columns - 31.5))
    assert outside.min() >= 14.5
    assert outside.max() <= 17.5
    assert len(rows) >= 100


def test_canny_sees_contrasts_of_a_quarter_and_overlooks_faint_ones() -> None:
    assert preprocess("canny", square(0.3, 0.55), "task.controls").sum() > 0
    assert preprocess("canny", square(0.3, 0.34), "task.controls").sum() == 0


def test_lineart_draws_dark_strokes_white() -> None:
    drawing = np.ones((64, 64, 3), np.float32)
    drawing[:, 31:33] = 0
    lines = preprocess("lineart", drawing, "task.controls")[..., 0]
    assert lines[:, 31:33].min() > 0.5
    assert lines[:, :24].max() < 0.05


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(BridgeError) as caught:
        preprocess("depth", square(0, 1), "task.controls[0].preprocess")
    assert caught.value.code is ErrorCode.INVALID_FIELD
    assert caught.value.field == "task.controls[0].preprocess"
    assert "canny" in caught.value.hint
