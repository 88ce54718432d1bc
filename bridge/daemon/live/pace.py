"""How large a frame may be to come in time, and when one that has fallen behind is given up. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bridge.protocol.engine_link import ModelSource

SCALES = (1.0, 3 / 4, 1 / 2, 3 / 8, 1 / 4, 3 / 16, 1 / 8)
"""Of drafts against full frames. Few of them, so that an engine that prepares for a size rarely has to again."""
TOO_SLOW, TOO_QUICK = 1.3, 0.7
"""Parts of the time allowed beyond which the scale is changed; between them it stays as it is."""
COMPOSED = 1.25
"""Of a model's native side, what it composes in one go when it does not say."""
LARGEST_ENLARGEMENT = 4.0
NEWS = 0.3
"""Weight of the newest measurement."""
PEN_RESTS = 0.05
"""Seconds without a change after which more of them are not expected at once; three positions of a pen."""
EARLY = 0.6
"""Share of a frame up to which giving it up gets a newer one out so much sooner that it is worth the work lost."""


@dataclass(frozen=True)
class FrameSize:
    """What a frame is computed at.

    Attributes:
        width: px.
        height: px.
        scale: of the canvas.
    """

    width: int
    height: int
    scale: float

    @property
    def pixels(self) -> int:
        """How many."""
        return self.width * self.height


class Pace:
    """Sizes of frames of one canvas area with one model, learnt from how long they took.

    Args:
        model: with its native size and the largest that it composes in one go.
        width: of the area, px.
        height: likewise.
    """

    def __init__(self, model: ModelSource, width: int, height: int) -> None:
        self._multiple = max(8, model.size_multiple)
        self._area = (width, height)
        side = math.sqrt(width * height)
        self._least = min(LARGEST_ENLARGEMENT, model.native_size / 2 / side)
        self._most = max(self._least, min(1.0, (model.whole_size or COMPOSED * model.native_size) / side))
        self._scales = self._possible()
        native = min(range(len(self._scales)), key=lambda each: abs(self._scales[each] * side - model.native_size))
        self._chosen = native
        self._seconds_per_pixel: float | None = None

    @property
    def full(self) -> FrameSize:
        """The size of a frame at full quality."""
        return self._size(self._most)

    def draft(self, seconds: float) -> FrameSize:
        """The size of a frame that takes no longer than this; the smallest if none does."""
        if self._seconds_per_pixel is not None:
            while self._expected(self._chosen) > TOO_SLOW * seconds and self._chosen + 1 < len(self._scales):
                self._chosen += 1
            while self._chosen and self._expected(self._chosen - 1) < TOO_QUICK * seconds:
                self._chosen -= 1
        return self._size(self._scales[self._chosen])

    def took(self, size: FrameSize, seconds: float) -> None:
        """A draft has taken so long."""
        new, old = seconds / size.pixels, self._seconds_per_pixel
        self._seconds_per_pixel = new if old is None else old + NEWS * (new - old)

    def expected_seconds(self, size: FrameSize) -> float | None:
        """How long a draft takes; None before there was one."""
        return None if self._seconds_per_pixel is None else self._seconds_per_pixel * size.pixels

    def _expected(self, index: int) -> float:
        return (self._seconds_per_pixel or 0.0) * self._size(self._scales[index]).pixels

    def _possible(self) -> list[float]:
        """Scales that a model still paints something at, the largest first."""
        scales = [self._most * scale for scale in SCALES]
        return [scale for scale in scales if scale >= self._least * (1 - 1e-6)] or [self._most]

    def _size(self, scale: float) -> FrameSize:
        width, height = (max(1, round(side * scale / self._multiple)) * self._multiple for side in self._area)
        return FrameSize(width, height, scale)


def worth_giving_up(done: float, steps: int, *, gave_up_last: bool) -> bool:
    """Whether a draft whose canvas has changed since is given up for a newer one, now that the pen rests.

    While it moves none is: the work lost would make every later frame later, and the newest change would wait no
    shorter, as there is always a newer one.

    Args:
        done: the part of it that is done, from the time it usually takes.
        steps: that it takes; it can be given up between them only.
        gave_up_last: whether the one before was given up. Never two in a row, or who dabs quickly would see nothing.
    """
    next_step = (math.floor(done * steps) + 1) / steps
    return next_step <= EARLY and not gave_up_last
