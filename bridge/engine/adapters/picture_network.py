"""Networks of transformers that are shown a picture: how they are read, and what they want of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from bridge.engine.conversion import Floats
from bridge.engine.picture_tensor import picture_tensor
from bridge.engine.resampling import resize
from bridge.protocol.engine_link import AdapterSource

from .sources import unusable_adapter

_SIDE = 518
"""Shorter side that networks are shown whose folder names none, in px: Depth Anything's own."""
_MULTIPLE = 14
_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's colours, by which pictures are normalised where a folder says nothing else."""


@dataclass(frozen=True)
class Wishes:
    """How a network wants its pictures.

    Attributes:
        side: the shorter one, in px.
        multiple: of which both sides are, in px.
        mean: of the colours, which is taken off.
        spread: of the colours, by which is divided.
    """

    side: int
    multiple: int
    mean: tuple[float, ...]
    spread: tuple[float, ...]

    @classmethod
    def of(cls, config: Any, about: Mapping[str, Any], multiple: int = _MULTIPLE) -> Wishes:
        """What its configuration and its `preprocessor_config.json` say; `multiple` where neither names one."""
        size = about.get("size")
        sides = size if isinstance(size, dict) else {}
        side = next((int(sides[name]) for name in ("shortest_edge", "height") if name in sides), _SIDE)
        backbone = getattr(config, "backbone_config", None)
        patch = getattr(config, "patch_size", None) or getattr(backbone, "patch_size", None)
        if not isinstance(patch, int):
            patch = multiple
        plain = about.get("do_normalize") is False
        mean, spread = about.get("image_mean") or _MEAN, about.get("image_std") or _SPREAD
        return cls(
            side,
            int(about.get("ensure_multiple_of") or patch),
            (0.0,) * 3 if plain else tuple(mean),
            (1.0,) * 3 if plain else tuple(spread),
        )

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height in px at which a picture is shown, in nearly its own proportions."""
        scale = self.side / min(width, height)
        return tuple(max(1, round(side * scale / self.multiple)) * self.multiple for side in (width, height))  # type: ignore[return-value]  # two are two

    def shown(self, picture: Floats, size: tuple[int, int], net: torch.nn.Module) -> torch.Tensor:
        """A picture (height, width, 3), sRGB, 0 to 1, as a network is given it: (1, 3, height, width) of a size in px,
        on its device and in its precision."""
        first = next(net.parameters())
        mean, spread = (torch.tensor(each).view(1, 3, 1, 1) for each in (self.mean, self.spread))
        return ((picture_tensor(resize(picture, *size)) - mean) / spread).to(first.device, first.dtype)


def read_network(source: AdapterSource, folder: Path, kind: Any) -> tuple[Any, Mapping[str, Any]]:
    """A network of one of transformers' classes (`kind`) from its folder, and its `preprocessor_config.json`.

    Raises:
        BridgeError: `model_unusable` when it cannot be read.
    """
    try:
        net = kind.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        about_file = folder / "preprocessor_config.json"
        about = json.loads(about_file.read_text(encoding="utf-8")) if about_file.is_file() else {}
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise unusable_adapter(source.id, f"it cannot be loaded ({str(error).strip()[:200]})") from error
    return net, about if isinstance(about, dict) else {}
