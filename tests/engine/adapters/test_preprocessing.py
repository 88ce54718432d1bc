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


@pytest.mark.parametrize("name", ["canny", "lineart", "softedge"])
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


def test_softedge_is_brightest_on_the_outline_and_the_brighter_the_stronger() -> None:
    strong, weak = (preprocess("softedge", square(0.2, inside), "task.controls")[32, :, 0] for inside in (0.8, 0.4))
    assert abs(int(strong[:32].argmax()) - 15.5) <= 1
    assert strong.max() > 2 * weak.max() > 0.1
    assert strong[32] < 0.01
    assert 3 <= np.count_nonzero(strong[:32] > strong.max() / 2) <= 8, "as wide as a soft pencil"


@pytest.mark.parametrize("name", ["tile", "blur"])
def test_details_go_and_colours_stay(name: str) -> None:
    rng = np.random.default_rng(0)
    noisy = np.array([0.7, 0.5, 0.2], np.float32) + rng.normal(0, 0.1, (64, 64, 3)).astype(np.float32)
    made = preprocess(name, np.clip(noisy, 0, 1), "task.controls")
    assert np.abs(made.mean((0, 1)) - noisy.mean((0, 1))).max() < 0.02
    assert made.std((0, 1)).max() < 0.05
    even = np.full((40, 24, 3), 0.3, np.float32)
    assert np.abs(preprocess(name, even, "task.controls") - 0.3).max() < 1e-5


def test_grey_keeps_how_bright_it_is_and_no_colour() -> None:
    made = preprocess("grey", np.broadcast_to(np.array([0.0, 1.0, 0.0], np.float32), (8, 8, 3)), "task.controls")
    assert np.allclose(made, 0.587, atol=1e-6)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(BridgeError) as caught:
        preprocess("depth", square(0, 1), "task.controls[0].preprocess")
    assert caught.value.code is ErrorCode.INVALID_FIELD
    assert caught.value.field == "task.controls[0].preprocess"
    assert "canny" in caught.value.hint
