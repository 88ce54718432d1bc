"""Any size of canvas on a model that likes some: how a whole canvas is brought to one of those, and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bridge.protocol.tasks import Seamless

from .conversion import Floats
from .plan import Sizing, View
from .resampling import crop_centre, pad_edges, resize, resize_around


@dataclass(frozen=True)
class Fitting:
    """How a whole canvas is computed.

    Attributes:
        width: that is computed, in px.
        height: likewise.
        view: from the canvas to what is computed.
        undone: and back.
    """

    width: int
    height: int
    view: View
    undone: Callable[[Floats], Floats]


def fitting(width: int, height: int, sizing: Sizing, sides: Seamless) -> Fitting:
    """How a canvas of this size in px is computed that is to continue across `sides`."""
    scale = sizing.enlargement(width, height)
    if sides == "none":
        return _padded(width, height, scale, sizing)
    return _scaled(width, height, scale, sizing, sides)


def _padded(width: int, height: int, scale: float, sizing: Sizing) -> Fitting:
    """Enlarged if need be, and padded to the next suitable size; what was padded is cut away."""
    enlarged = math.ceil(width * scale), math.ceil(height * scale)
    computed = sizing.up(width * scale), sizing.up(height * scale)

    def seen(picture: Floats) -> Floats:
        return pad_edges(resize(picture, *enlarged), *computed)

    def undone(painted: Floats) -> Floats:
        return resize(crop_centre(painted, *enlarged), width, height)

    return Fitting(*computed, View(width, height, seen), undone)


def _scaled(width: int, height: int, scale: float, sizing: Sizing, sides: Seamless) -> Fitting:
    """Scaled to the nearest suitable size: to pad or cut a side that continues would part what belongs together."""
    computed = sizing.around(width * scale), sizing.around(height * scale)
    view = View(width, height, lambda picture: resize_around(picture, *computed, sides))
    return Fitting(*computed, view, lambda painted: resize_around(painted, width, height, sides))
