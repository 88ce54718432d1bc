"""Skeletons as ControlNets for poses were shown them: drawn as OpenPose draws its eighteen joints.

OpenPose (Cao et al., "OpenPose: Realtime multi-person 2D pose estimation using part affinity fields", 2019) has a neck,
which COCO lacks: it is put half way between the shoulders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bridge.engine.conversion import Floats

JOINTS = 17
"""Of COCO, in its order: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles; the left one first."""
LEAST_SURE = 0.3
"""Joints of which a network is less sure are not drawn."""
THICKNESS = 4 / 512
"""Half the width of a limb and the radius of a joint, as a share of the shorter side."""
DIMMED = 0.6
"""Brightness of limbs, which lie under the joints."""

_OF_COCO = (0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
"""Where OpenPose's joints are in COCO's order: nose, neck, right arm, left arm, right leg, left leg, eyes, ears."""
_NECK = 1
_SHOULDERS = (2, 5)
_LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
_HUES = len(_OF_COCO)


@dataclass(frozen=True)
class Joint:
    """Where a joint is, in px of the picture, and how sure a network is of it, 0 to 1."""

    x: float
    y: float
    sure: float


def drawn(persons: Sequence[Sequence[Joint]], width: int, height: int) -> Floats:
    """Skeletons (height, width, 3), 0 to 1, on black; each person is given by COCO's joints."""
    canvas = np.zeros((height, width, 3), np.float32)
    radius = max(1.0, min(width, height) * THICKNESS)
    for person in persons:
        joints = _of_openpose(person)
        for number, (one, other) in enumerate(_LIMBS):
            begin, end = joints[one], joints[other]
            if begin is not None and end is not None:
                _limb(canvas, begin, end, radius, _colour(number) * DIMMED)
        for number, joint in enumerate(joints):
            if joint is not None:
                _limb(canvas, joint, joint, radius, _colour(number))
    return canvas


def _of_openpose(person: Sequence[Joint]) -> list[Joint | None]:
    """OpenPose's joints of a person; None for those that cannot be seen."""
    found = [None if place is None else person[place] for place in _OF_COCO]
    seen = [joint if joint is not None and joint.sure >= LEAST_SURE else None for joint in found]
    right, left = (seen[place] for place in _SHOULDERS)
    if right is not None and left is not None:
        seen[_NECK] = Joint((right.x + left.x) / 2, (right.y + left.y) / 2, min(right.sure, left.sure))
    return seen


def _colour(number: int) -> Floats:
    """The colours of OpenPose: eighteen, evenly around the circle of hues from red over green and blue."""
    sixth = number * 6 / _HUES
    distance = np.abs((sixth - np.array([0.0, 2.0, 4.0]) + 3) % 6 - 3)
    colour: Floats = np.clip(2 - distance, 0, 1).astype(np.float32)
    return colour


def _limb(canvas: Floats, begin: Joint, end: Joint, radius: float, colour: Floats) -> None:
    """An ellipse from joint to joint; a disk where both are the same."""
    middle = np.array([(begin.x + end.x) / 2, (begin.y + end.y) / 2])
    along = np.array([end.x - begin.x, end.y - begin.y])
    length = float(np.hypot(*along))
    axis = along / length if length else np.array([1.0, 0.0])
    reach = max(length / 2, radius)
    left, top = (max(0, int(place - reach - 1)) for place in middle)
    right, bottom = (max(0, min(side, int(p + reach + 2))) for p, side in zip(middle, canvas.shape[1::-1], strict=True))
    if left >= right or top >= bottom:
        return
    x = np.arange(left, right) + 0.5 - middle[0]
    y = np.arange(top, bottom)[:, None] + 0.5 - middle[1]
    inside = ((x * axis[0] + y * axis[1]) / reach) ** 2 + ((y * axis[0] - x * axis[1]) / radius) ** 2 <= 1
    canvas[top:bottom, left:right][inside] = colour
