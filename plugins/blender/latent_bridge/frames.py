# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of an animation, one after another: the daemon holds few at a time, however many there are. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .faults import told_of
from .vendored import errors

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

    def result(self, suffix: str = ".png") -> Path:
        """Where the changed picture goes: beside the rendered one, which stays. `.exr` for one with floats."""
        return self.source.with_name(f"{self.source.stem}_bridge{suffix}")


class FrameFeed:
    """Frames that wait for their turn.

    Args:
        begin: sends a frame; its end is told by `ended`.
        refused: hears of a frame that `begin` raised for, and why.

    Attributes:
        total: frames so far.
    """

    def __init__(self, begin: Callable[[Frame], None], refused: Callable[[Frame, errors.BridgeError], None]) -> None:
        self.total = 0
        self._begin = begin
        self._refused = refused
        self._waiting: deque[Frame] = deque()
        self._running: list[Frame] = []

    @property
    def left(self) -> list[Frame]:
        """Frames that are not done."""
        return [*self._running, *self._waiting]

    def add(self, frames: Iterable[Frame]) -> None:
        """More of them."""
        added = list(frames)
        self.total += len(added)
        self._waiting.extend(added)
        self._feed()

    def ended(self, frame: Frame) -> None:
        """A frame is done, or has failed."""
        self._running.remove(frame)
        self._feed()

    def stop(self) -> None:
        """Send no more."""
        self._waiting.clear()

    def _feed(self) -> None:
        while self._waiting and len(self._running) < IN_FLIGHT:
            frame = self._waiting.popleft()
            try:
                self._begin(frame)
            except Exception as error:  # noqa: BLE001 - one frame that cannot be sent must not hold up the others
                self._refused(frame, told_of(error))
            else:
                self._running.append(frame)
