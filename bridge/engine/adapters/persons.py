"""Where persons are in a picture, by an RT-DETR of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from bridge.engine.conversion import Floats
from bridge.protocol.engine_link import AdapterSource

from .picture_network import Wishes, read_network
from .pose import Box
from .sources import unusable_adapter

LEAST_LIKELY = 0.5
MOST_PERSONS = 16
_SIDE = 640
"""Of the square that it is shown where its folder names none, in px."""


class PersonNet(torch.nn.Module):
    """An RT-DETR with what it wants of pictures."""

    def __init__(self, net: Any, wishes: Wishes, side: int, person: int) -> None:
        super().__init__()
        self.net = net
        self.wishes = wishes
        self.side = side
        self.person = person

    @torch.inference_mode()
    def boxes(self, picture: Floats) -> list[Box]:
        """Around each person of a picture (height, width, 3), sRGB, 0 to 1; the likeliest first."""
        height, width = picture.shape[:2]
        found = self.net(pixel_values=self.wishes.shown(picture, (self.side, self.side), self.net))
        likely = found.logits[0, :, self.person].float().sigmoid().cpu()
        boxes = found.pred_boxes[0].float().cpu()
        order = [n for n in likely.argsort(descending=True).tolist() if likely[n] >= LEAST_LIKELY]
        return [_in_pixels(boxes[n].tolist(), width, height) for n in order[:MOST_PERSONS]]


def _in_pixels(box: list[float], width: int, height: int) -> Box:
    """From the centre and the sides as shares of the picture."""
    x, y, w, h = box
    return Box((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)


def read_persons(source: AdapterSource, folder: Path) -> PersonNet:
    """Load an RT-DETR from its folder.

    Raises:
        BridgeError: `model_unusable` when it cannot be read or knows no persons.
    """
    from transformers import AutoModelForObjectDetection

    net, about = read_network(source, folder, AutoModelForObjectDetection)
    names = {str(name).lower(): int(number) for number, name in (net.config.id2label or {}).items()}
    if "person" not in names:
        raise unusable_adapter(source.id, "persons are not among the things that it finds")
    size = about.get("size")
    side = int(size.get("height", _SIDE)) if isinstance(size, dict) else _SIDE
    # RT-DETR takes colours as they are, unless its folder says otherwise.
    return PersonNet(net, Wishes.of(net.config, {"do_normalize": False, **about}), side, names["person"])
