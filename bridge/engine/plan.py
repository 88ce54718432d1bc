"""What a task comes down to: pixels to start from, how freely to change them, and how the result is made of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bridge.protocol.pixels import Picture
from bridge.protocol.tasks import Seamless

from .conversion import Floats
from .models.loading import Mode
from .upscale.tiles import Tiles


@dataclass(frozen=True)
class Placed:
    """A finished picture and where its top left corner lies in the canvas, in px."""

    picture: Picture
    x: int = 0
    y: int = 0


@dataclass(frozen=True)
class View:
    """What the model sees of the canvas.

    Attributes:
        width: of the whole canvas, in px.
        height: likewise.
        seen: cuts and scales something of the canvas's size, (height, width, channels), to what the model computes.
    """

    width: int
    height: int
    seen: Callable[[Floats], Floats]


@dataclass(frozen=True)
class Plan:
    """How to make one image of a task; the images of a job differ in their seed alone.

    Attributes:
        mode: which of the model's pipelines does it.
        width: what the model computes, in px; a multiple of what it likes.
        height: likewise.
        start: (height, width, 3) sRGB 0 to 1 to start from; None for pure noise.
        strength: how much of the way from noise is gone, above 0 to 1.
        change: (height, width) soft change map, 0 keeps, 1 repaints, between is repainted later; None for all.
        finish: makes the result of the (height, width, 3) picture that the model painted.
        inputs: hashes of the pictures given, for the recipe.
        resolved: parameters that the task left to us, for the recipe.
        unchanged: the result when nothing is to be painted at all (strength 0).
        seamless: sides across which what is computed continues; finer than the task's, which may concern a crop.
        tiles: paint tile by tile, starting from what they hold; None for all at once.
        second: what to do with what was painted, before `finish`; None for nothing.
        computed: more about what is computed, for the recipe.
        view: how the canvas appears to the model, for pictures that guide; None where none can.
    """

    mode: Mode
    width: int
    height: int
    finish: Callable[[Floats], Placed]
    start: Floats | None = None
    strength: float = 1.0
    change: Floats | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    resolved: Mapping[str, object] = field(default_factory=dict)
    unchanged: Placed | None = None
    seamless: Seamless = "none"
    tiles: Tiles | None = None
    second: Second | None = None
    computed: Mapping[str, object] = field(default_factory=dict)
    view: View | None = None


@dataclass(frozen=True)
class Second:
    """A second pass, over what the first one painted.

    Attributes:
        strength: as that of the plan that follows.
        tiles: how many there will be.
        after: the plan, once there is a picture (height, width, 3) to go on from.
    """

    strength: float
    tiles: int
    after: Callable[[Floats], Plan]


@dataclass(frozen=True)
class Sizing:
    """What sizes suit a model.

    Attributes:
        native: side that it was trained for, in px.
        multiple: sides are computed in multiples of this many px.
        wrap_multiple: and in multiples of this where they continue across themselves.
        whole: side of the largest canvas that it composes in one go, in px; 0 for somewhat more than the native one.
    """

    native: int
    multiple: int
    wrap_multiple: int = 1
    whole: int = 0

    def up(self, side: float) -> int:
        """The next multiple that is not below `side`, at least one."""
        return max(self.multiple, math.ceil(side / self.multiple - 1e-6) * self.multiple)

    def nearest(self, side: float) -> int:
        """The nearest multiple, at least one."""
        return max(self.multiple, round(side / self.multiple) * self.multiple)

    def around(self, side: float) -> int:
        """The nearest multiple for a side that continues across itself, at least one."""
        multiple = math.lcm(self.multiple, self.wrap_multiple)
        return max(multiple, round(side / multiple) * multiple)

    def enlargement(self, width: int, height: int) -> float:
        """How much a small picture is computed larger, because below half the native size models paint mush."""
        return max(1.0, min(4.0, self.native / 2 / math.sqrt(width * height)))
