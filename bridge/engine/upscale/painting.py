"""What painting in tiles asks of a pipeline call, and how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from bridge.engine.stages import Stages

from .tiled_model import check_tiles, encode_tiles, tiled_denoiser
from .tiles import Tiles


def in_tiles(pipe: Any, tiles: Tiles | None, stages: Stages, steps: int) -> AbstractContextManager[None]:
    """Have the denoiser paint in tiles, and tell of each, while the context lasts; nothing for None.

    Args:
        steps: denoising steps, times tiles.

    Raises:
        BridgeError: `task_unsupported` for a model that cannot.
    """
    if tiles is None:
        return nullcontext()
    check_tiles(pipe)
    return tiled_denoiser(pipe, tiles, _Progress(stages, steps))


def tile_arguments(pipe: Any, tiles: Tiles | None, count: int, check: Callable[[], None]) -> dict[str, Any]:
    """The latents to start from, for `count` pictures, and the size that the model is to believe in."""
    if tiles is None:
        return {}
    latents: torch.Tensor = encode_tiles(pipe, tiles, check).to(pipe.dtype)
    size = (tiles.side, tiles.side)
    return {"image": latents.expand(count, -1, -1, -1).contiguous(), "original_size": size, "target_size": size}


class _Progress:
    def __init__(self, stages: Stages, total: int) -> None:
        self._stages = stages
        self._total = total
        self._done = 0

    def __call__(self) -> None:
        # Some schedulers ask the model more than once a step.
        self._done = min(self._done + 1, self._total)
        self._stages.step_done(self._done, self._total)
