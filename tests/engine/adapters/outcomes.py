"""Comparing what jobs painted."""

from __future__ import annotations

import numpy as np

from tests.engine.bench import Outcome, pixels


def difference(one: Outcome, other: Outcome) -> int:
    """The largest difference of any channel, in steps of 1/255."""
    a, b = (pixels(outcome.layer.picture).astype(int) for outcome in (one, other))
    return int(np.abs(a - b).max())


def same(one: Outcome, other: Outcome) -> bool:
    """Whether both painted the very same bytes."""
    return bytes(one.layer.picture.pixels) == bytes(other.layer.picture.pixels)
