# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames written to a folder as numbered PNG files, for a film of how a picture came about."""

from __future__ import annotations

import queue
import re
from pathlib import Path

from ..bridge_thread import in_background
from ..qt import QImage, Qt

LONGEST_SIDE = 1024
"""Frames are all made as large as the part of the picture that they show, but no larger than this, pixels."""
WAITING = 8
"""When the disk is slower than the model, frames beyond so many are left out."""
NAME = re.compile(r"frame (\d+)\.png")


def next_number(names: list[str]) -> int:
    """The number after the highest in a folder with files of these names; 1 when there is none."""
    numbers = [int(found.group(1)) for name in names if (found := NAME.fullmatch(name))]
    return max(numbers, default=0) + 1


class Recording:
    """Goes on after the files that a folder has. Encoding and writing are done in the background.

    Attributes:
        folder: where the files go.
        count: how many frames it has taken.
    """

    def __init__(self, folder: Path) -> None:
        """Raises `OSError` when there is no such folder."""
        self.folder = folder
        self.count = 0
        self._next = next_number([path.name for path in folder.iterdir()])
        self._frames: queue.Queue[tuple[QImage, Path] | None] = queue.Queue()
        in_background(self._write, "record")

    def take(self, image: QImage, width: int, height: int) -> None:
        """Write a frame that shows `width` x `height` pixels of the picture."""
        if self._frames.qsize() >= WAITING:
            return
        scale = min(1.0, LONGEST_SIDE / max(width, height))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        keep, smooth = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        self._frames.put((image.scaled(*size, keep, smooth), self.folder / f"frame {self._next:05}.png"))
        self._next += 1
        self.count += 1

    def end(self) -> None:
        """Take no more; what was taken is still written."""
        self._frames.put(None)

    def _write(self) -> None:
        while (item := self._frames.get()) is not None:
            image, path = item
            image.save(str(path))
