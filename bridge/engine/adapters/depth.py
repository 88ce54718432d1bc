"""Depth of an ordinary picture, by a depth estimation model of transformers that lies among the model folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError

from bridge.engine.conversion import Floats
from bridge.engine.picture_tensor import picture_tensor
from bridge.engine.resampling import resize
from bridge.protocol.engine_link import AdapterSource

from .sources import unusable_adapter

_SIDE = 518
"""Shorter side that models are shown whose folder names none, in px: Depth Anything's own."""
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's colours, by which pictures are normalised where a folder says nothing else."""
_METRIC = frozenset({"zoedepth", "depth_pro"})
"""Models that give distances; the others give something like their inverse."""


class DepthNet(torch.nn.Module):
    """A depth estimation model with what it wants of pictures."""

    def __init__(self, net: Any, wishes: Wishes) -> None:
        super().__init__()
        self.net = net
        self.wishes = wishes

    @torch.inference_mode()
    def depth(self, picture: Floats) -> Floats:
        """Nearness (height, width, 3), 0 (farthest) to 1 (nearest), of a picture of the same size, sRGB, 0 to 1."""
        height, width = picture.shape[:2]
        first = next(self.net.parameters())
        shown = picture_tensor(resize(picture, *self.wishes.size(width, height)))
        mean, spread = (torch.tensor(each).view(1, 3, 1, 1) for each in (self.wishes.mean, self.wishes.spread))
        found = self.net(pixel_values=((shown - mean) / spread).to(first.device, first.dtype)).predicted_depth
        nearness = found.float().reshape(found.shape[-2:]).cpu().numpy()
        if self.wishes.metric:
            nearness = 1 / np.maximum(nearness, 1e-3)
        lowest, highest = float(nearness.min()), float(nearness.max())
        even = np.zeros_like(nearness) if highest <= lowest else (nearness - lowest) / (highest - lowest)
        grey = resize(even.astype(np.float32), width, height)
        return np.repeat(grey[..., None], 3, axis=-1)


@dataclass(frozen=True)
class Wishes:
    """How a model wants its pictures.

    Attributes:
        side: the shorter one, in px.
        multiple: of which both sides are, in px.
        mean: of the colours, which is taken off.
        spread: of the colours, by which is divided.
        metric: whether it gives distances.
    """

    side: int
    multiple: int
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    metric: bool

    @classmethod
    def of(cls, config: Any, about: Mapping[str, Any]) -> Wishes:
        """What its configuration and its `preprocessor_config.json` say."""
        size = about.get("size")
        sides = size if isinstance(size, dict) else {}
        side = next((int(sides[name]) for name in ("shortest_edge", "height") if name in sides), _SIDE)
        backbone = getattr(config, "backbone_config", None)
        patch = getattr(config, "patch_size", None) or getattr(backbone, "patch_size", None) or 14
        metric = config.model_type in _METRIC or getattr(config, "depth_estimation_type", "") == "metric"
        mean, spread = about.get("image_mean") or _MEAN, about.get("image_std") or _SPREAD
        return cls(side, int(about.get("ensure_multiple_of") or patch), tuple(mean), tuple(spread), metric)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height in px at which a picture is shown, in nearly its own proportions."""
        scale = self.side / min(width, height)
        return tuple(max(1, round(side * scale / self.multiple)) * self.multiple for side in (width, height))  # type: ignore[return-value]  # two are two


def read_depth(source: AdapterSource, folder: Path) -> DepthNet:
    """Load a depth estimation model from its folder.

    Raises:
        BridgeError: `model_unusable` when it cannot be read.
    """
    from transformers import AutoModelForDepthEstimation

    try:
        net = AutoModelForDepthEstimation.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        about_file = folder / "preprocessor_config.json"
        about = json.loads(about_file.read_text(encoding="utf-8")) if about_file.is_file() else {}
        return DepthNet(net, Wishes.of(net.config, about))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise unusable_adapter(source.id, f"it cannot be loaded ({str(error).strip()[:200]})") from error
