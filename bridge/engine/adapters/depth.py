"""Depth of an ordinary picture, by a depth estimation model of transformers that lies among the model folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from bridge.engine.conversion import Floats
from bridge.engine.resampling import resize
from bridge.protocol.engine_link import AdapterSource

from .picture_network import Wishes, read_network

_METRIC = frozenset({"zoedepth", "depth_pro"})
"""Models that give distances; the others give something like their inverse."""


class DepthNet(torch.nn.Module):
    """A depth estimation model with what it wants of pictures.

    Attributes:
        net: the network.
        wishes: what it wants of pictures.
        metric: whether it gives distances.
    """

    def __init__(self, net: Any, wishes: Wishes, metric: bool) -> None:
        super().__init__()
        self.net = net
        self.wishes = wishes
        self.metric = metric

    @torch.inference_mode()
    def depth(self, picture: Floats) -> Floats:
        """Nearness (height, width, 3), 0 (farthest) to 1 (nearest), of a picture of the same size, sRGB, 0 to 1."""
        height, width = picture.shape[:2]
        shown = self.wishes.shown(picture, self.wishes.size(width, height), self.net)
        found = self.net(pixel_values=shown).predicted_depth
        nearness = found.float().reshape(found.shape[-2:]).cpu().numpy()
        if self.metric:
            nearness = 1 / np.maximum(nearness, 1e-3)
        lowest, highest = float(nearness.min()), float(nearness.max())
        even = np.zeros_like(nearness) if highest <= lowest else (nearness - lowest) / (highest - lowest)
        grey = resize(even.astype(np.float32), width, height)
        return np.repeat(grey[..., None], 3, axis=-1)


def read_depth(source: AdapterSource, folder: Path) -> DepthNet:
    """Load a depth estimation model from its folder.

    Raises:
        BridgeError: `model_unusable` when it cannot be read.
    """
    from transformers import AutoModelForDepthEstimation

    net, about = read_network(source, folder, AutoModelForDepthEstimation)
    metric = net.config.model_type in _METRIC or getattr(net.config, "depth_estimation_type", "") == "metric"
    return DepthNet(net, Wishes.of(net.config, about), metric)
