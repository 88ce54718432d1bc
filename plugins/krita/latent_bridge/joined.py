# SPDX-License-Identifier: GPL-3.0-or-later
"""When two steps of undo belong together: the canvas that grew, and the layer that it grew for. Pure.

Krita offers no way to make one step of both. So whoever takes back the layer has the size taken back too, and whoever
brings back the size has the layer brought back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

Size = tuple[int, int]


class Stage(Enum):
    """Where both steps stand; in between while Krita is at the second one."""

    THERE = auto()
    GOING = auto()
    GONE = auto()
    COMING = auto()


class Move(Enum):
    """What is to be done now."""

    NOTHING = auto()
    UNDO = auto()
    REDO = auto()


@dataclass(frozen=True)
class Joined:
    """Two steps.

    Attributes:
        before: size of the canvas before, pixels.
        after: its size since.
        stage: where they stand.
    """

    before: Size
    after: Size
    stage: Stage = Stage.THERE

    def seen(self, size: Size, *, layer: bool, can_redo: bool) -> tuple[Joined | None, Move]:
        """What follows from the document as it is; None when the steps are no longer neighbours.

        Args:
            size: of the canvas.
            layer: whether the layer is there.
            can_redo: whether something was taken back last; without that the user has deleted or changed by hand.
        """
        if self.stage is Stage.THERE and not layer and size == self.after:
            return (replace(self, stage=Stage.GOING), Move.UNDO) if can_redo else (None, Move.NOTHING)
        if self.stage is Stage.GONE and not layer and size == self.after:
            return (replace(self, stage=Stage.COMING), Move.REDO) if can_redo else (None, Move.NOTHING)
        if not layer and size == self.before:
            return (replace(self, stage=Stage.GONE) if can_redo else None), Move.NOTHING
        if layer:
            return replace(self, stage=Stage.THERE), Move.NOTHING
        return self, Move.NOTHING
