"""What is what in an ordinary picture, in the colours of ADE20K, by a segmentation model of transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from bridge.engine.conversion import Floats
from bridge.protocol.engine_link import AdapterSource

from .ade_palette import ADE_COLOURS
from .picture_network import Wishes, read_network
from .sources import unusable_adapter

_MULTIPLE = 32
"""Of which sides are that hierarchical networks halve five times, in px."""


class SegmentationNet(torch.nn.Module):
    """A semantic segmentation model (UperNet, SegFormer and their like) with what it wants of pictures."""

    def __init__(self, net: Any, wishes: Wishes) -> None:
        super().__init__()
        self.net = net
        self.wishes = wishes

    @torch.inference_mode()
    def segmentation(self, picture: Floats) -> Floats:
        """The colour of each thing (height, width, 3), 0 to 1, of a picture of the same size, sRGB, 0 to 1."""
        height, width = picture.shape[:2]
        shown = self.wishes.shown(picture, self.wishes.size(width, height), self.net)
        found = self.net(pixel_values=shown).logits.float()
        likely = torch.nn.functional.interpolate(found, shown.shape[-2:], mode="bilinear")
        things = likely.argmax(1)[0].cpu().numpy()
        # The nearest one's: a colour between two would be that of a third thing.
        rows, columns = (
            (np.arange(whole) * seen) // whole for whole, seen in zip((height, width), things.shape, strict=True)
        )
        made: Floats = ADE_COLOURS[things[rows][:, columns]]
        return made


def read_segmentation(source: AdapterSource, folder: Path) -> SegmentationNet:
    """Load a semantic segmentation model from its folder.

    Raises:
        BridgeError: `model_unusable` when it cannot be read, or tells other things apart than those of ADE20K.
    """
    from transformers import AutoModelForSemanticSegmentation

    net, about = read_network(source, folder, AutoModelForSemanticSegmentation)
    if net.config.num_labels != len(ADE_COLOURS):
        reason = f"it knows {net.config.num_labels} kinds of things, not the {len(ADE_COLOURS)} of ADE20K"
        raise unusable_adapter(source.id, reason)
    return SegmentationNet(net, Wishes.of(net.config, about, _MULTIPLE))
