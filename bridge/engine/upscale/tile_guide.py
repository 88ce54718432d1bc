"""What guides a picture painted in tiles: each tile by its own part of the guiding picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from bridge.engine.conversion import Floats
from bridge.engine.denoiser import Forward, replaced_forward
from bridge.engine.picture_tensor import picture_tensor

Part = Callable[[int, int, int, int], Floats]
"""A part of a guiding picture (height, width, 3) by left, top, width and height in px of the painted one."""


class Asked(Protocol):
    """A call of the denoiser about the whole picture."""

    def told(self, grid: torch.Tensor) -> dict[str, Any]:
        """Its arguments with a name, for a part of the picture."""


class TileGuide(Protocol):
    """Networks that tell a denoiser about every tile of its own."""

    def attached(self, pipe: Any) -> AbstractContextManager[None]:
        """Have it hear what the pipeline is about while the context lasts."""

    def residuals(self, call: Asked, tile: torch.Tensor, left: int, top: int, side: int) -> dict[str, Any]:
        """What the denoiser is to be given for a tile (n, channels, h, w) of latents of `side` px, at a place in px."""


@dataclass
class TiledControlNets:
    """The ControlNets of a pipeline with a U-Net.

    The pipeline asks them about the whole picture before it asks its U-Net. Here that question is put off until the
    U-Net is asked about a tile, and then concerns that tile. So nothing of the size of the whole picture is computed.

    Attributes:
        parts: of the guiding pictures, one for each ControlNet.
    """

    parts: Sequence[Part]
    _asked: tuple[Forward, tuple[Any, ...], dict[str, Any]] | None = field(default=None, init=False)

    @contextmanager
    def attached(self, pipe: Any) -> Iterator[None]:
        """Have the pipeline's ControlNets say nothing when they are asked, until `residuals` is."""

        def defer(original: Forward) -> Forward:
            def forward(*args: Any, **kwargs: Any) -> tuple[None, None]:
                self._asked = original, args, kwargs
                return None, None

            return forward

        with replaced_forward(pipe.controlnet, defer):
            yield

    def residuals(self, _: Asked, tile: torch.Tensor, left: int, top: int, side: int) -> dict[str, Any]:
        """What they say of a tile."""
        if self._asked is None:
            raise RuntimeError("a pipeline asks its ControlNets first")
        ask, (_latents, *others), kwargs = self._asked
        height, width = tile.shape[-2] * side, tile.shape[-1] * side
        guiding = [self._guiding(part(left, top, width, height), tile) for part in self.parts]
        down, middle = ask(tile, *others, **{**kwargs, "controlnet_cond": guiding if len(guiding) > 1 else guiding[0]})
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}

    @staticmethod
    def _guiding(picture: Floats, tile: torch.Tensor) -> torch.Tensor:
        return picture_tensor(picture).to(tile.device, tile.dtype).expand(len(tile), -1, -1, -1)
