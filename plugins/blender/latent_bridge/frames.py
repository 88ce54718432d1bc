# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of an animation, one after another: the daemon holds few at a time, however many there are. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

IN_FLIGHT = 2
"""Frames that are with the daemon at once: one that runs, and one that waits so that no time is lost."""


@dataclass(frozen=True)
class Frame:
    """A rendered picture.

    Attributes:
        number: of the frame.
        source: the file that was rendered.
    """

    number: int
    source: Path

    @property
    def result(self) -> Path:
        """Where the changed picture goes: beside the rendered one, which stays."""
        return self.source.with_name(f"{self.source.stem}_bridge.png")


class FrameFeed:
    """Frames that wait for their turn.

    Args:
        begin: sends a frame; its end is told by `ended`.
    """

    def __init__(self, begin: Callable[[Frame], None]) -> None:
        self._begin = begin
        self._waiting: deque[Frame] = deque()
        self._running = 0

    @property
    def left(self) -> int:
        """Frames that are not done."""
        return len(self._waiting) + self._running

    def add(self, frames: Iterable[Frame]) -> None:
        """More of them."""
        self._waiting.extend(frames)
        self._feed()

    def ended(self) -> None:
        """A frame is done, or has failed."""
        self._running -= 1
        self._feed()

    def stop(self) -> None:
        """Send no more."""
        self._waiting.clear()

    def _feed(self) -> None:
        while self._waiting and self._running < IN_FLIGHT:
            self._running += 1
            self._begin(self._waiting.popleft())
