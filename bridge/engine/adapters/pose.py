"""The joints of persons in an ordinary picture, by a VitPose of transformers that knows COCO's 17."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bridge.engine.conversion import Floats
from bridge.protocol.engine_link import AdapterSource

from .picture_network import Wishes, read_network
from .skeleton import JOINTS, Joint, drawn
from .sources import unusable_adapter

MARGIN = 1.25
"""How much larger than the person the part of the picture is that the network is shown, as in its training."""


@dataclass(frozen=True)
class Box:
    """A rectangle in px of a picture, which may reach beyond it."""

    left: float
    top: float
    right: float
    bottom: float

    def shown(self, aspect: float) -> Box:
        """What a network is shown of it: larger, around the same centre, and `aspect` times as wide as it is high."""
        x, y = (self.left + self.right) / 2, (self.top + self.bottom) / 2
        width, height = max(1.0, self.right - self.left), max(1.0, self.bottom - self.top)
        width, height = max(width, height * aspect) * MARGIN / 2, max(height, width / aspect) * MARGIN / 2
        return Box(round(x - width), round(y - height), round(x + width), round(y + height))


class PoseNet(torch.nn.Module):
    """A VitPose with what it wants of pictures."""

    def __init__(self, net: Any, wishes: Wishes) -> None:
        super().__init__()
        self.net = net
        self.wishes = wishes

    def pose(self, picture: Floats, boxes: Sequence[Box]) -> Floats:
        """The skeletons of persons (height, width, 3), 0 to 1, in the colours of OpenPose on black.

        Args:
            picture: of the same size, sRGB, 0 to 1.
            boxes: around each person; none for one person who fills the picture.
        """
        height, width = picture.shape[:2]
        around = boxes or [Box(0, 0, width, height)]
        return drawn([self.joints(picture, box) for box in around], width, height)

    @torch.inference_mode()
    def joints(self, picture: Floats, box: Box) -> list[Joint]:
        """The joints of the person in a box, in the order of COCO."""
        tall, wide = self.net.config.backbone_config.image_size
        part = box.shown(wide / tall)
        shown = self.wishes.shown(_cut(picture, part), (wide, tall), self.net)
        experts = getattr(self.net.config.backbone_config, "num_experts", 1) > 1
        more = {"dataset_index": torch.zeros(1, dtype=torch.long, device=shown.device)} if experts else {}
        heat = self.net(pixel_values=shown, **more).heatmaps[0].float().cpu().numpy()
        return [_joint(plane, part) for plane in heat]


def _cut(picture: Floats, box: Box) -> Floats:
    """A part of a picture; black beyond its sides."""
    height, width = picture.shape[:2]
    left, top, right, bottom = (int(side) for side in (box.left, box.top, box.right, box.bottom))
    part = np.zeros((bottom - top, right - left, 3), np.float32)
    x, y = max(left, 0), max(top, 0)
    inside = picture[y : max(y, min(bottom, height)), x : max(x, min(right, width))]
    part[y - top : y - top + inside.shape[0], x - left : x - left + inside.shape[1]] = inside
    return part


def _joint(heat: Floats, box: Box) -> Joint:
    """The hottest place of a heatmap, a quarter of a pixel towards the warmer neighbour, in px of the picture."""
    rows, columns = heat.shape
    row, column = (int(each) for each in np.unravel_index(int(heat.argmax()), heat.shape))
    x, y = column + 0.5, row + 0.5
    if 0 < column < columns - 1:
        x += 0.25 * float(np.sign(heat[row, column + 1] - heat[row, column - 1]))
    if 0 < row < rows - 1:
        y += 0.25 * float(np.sign(heat[row + 1, column] - heat[row - 1, column]))
    return Joint(
        box.left + x / columns * (box.right - box.left),
        box.top + y / rows * (box.bottom - box.top),
        float(heat[row, column]),
    )


def read_pose(source: AdapterSource, folder: Path) -> PoseNet:
    """Load a VitPose from its folder.

    Raises:
        BridgeError: `model_unusable` when it cannot be read, or knows other joints than COCO's.
    """
    from transformers import VitPoseForPoseEstimation

    net, about = read_network(source, folder, VitPoseForPoseEstimation)
    if net.config.num_labels != JOINTS:
        raise unusable_adapter(source.id, f"it knows {net.config.num_labels} joints, not the {JOINTS} of COCO")
    return PoseNet(net, Wishes.of(net.config, about))
