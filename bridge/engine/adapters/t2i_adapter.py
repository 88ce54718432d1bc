"""T2I-Adapters: what they see in the guiding picture is added inside the UNet, at every kind of task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from bridge.engine.conversion import Floats
from bridge.engine.picture_tensor import picture_tensor
from bridge.engine.upscale.tile_guide import Asked, Part
from bridge.protocol.tasks import Control

from .steps import Arguments, at_every_step, is_acting

Steering = tuple[Control, Any, Floats]
"""A control, its network, and its picture (height, width, 3) as the model sees it."""
TileSteering = tuple[Control, Any, Part]
"""The same for a picture painted in tiles."""

_ARGUMENT = "down_intrablock_additional_residuals"


@contextmanager
def steered(pipe: Any, steerings: Sequence[Steering]) -> Iterator[None]:
    """Have T2I-Adapters steer the pipeline's UNet while the context lasts."""
    with torch.inference_mode():
        features = [(control, _features(net, picture)) for control, net, picture in steerings]

    def act(step: int, steps: int, latents: torch.Tensor, arguments: Arguments) -> None:
        acting = [(control, seen) for control, seen in features if is_acting(step, steps, control.start, control.end)]
        if acting:
            arguments[_ARGUMENT] = _summed(acting, latents)

    with at_every_step(pipe, act):
        yield


@dataclass
class TiledSteering:
    """T2I-Adapters for a picture painted in tiles: they look at the part of each tile when it is painted."""

    steerings: Sequence[TileSteering]
    _acting: list[TileSteering] = field(default_factory=list, init=False)

    @contextmanager
    def attached(self, pipe: Any) -> Iterator[None]:
        """Know which of them act at the step that is being made."""

        def act(step: int, steps: int, *_: Any) -> None:
            self._acting = [each for each in self.steerings if is_acting(step, steps, each[0].start, each[0].end)]

        with at_every_step(pipe, act):
            yield

    def residuals(self, _: Asked, tile: torch.Tensor, left: int, top: int, side: int) -> dict[str, Any]:
        """What the UNet is to be given for a tile."""
        place = left, top, tile.shape[-1] * side, tile.shape[-2] * side
        acting = [(control, _features(net, part(*place))) for control, net, part in self._acting]
        return {_ARGUMENT: _summed(acting, tile)} if acting else {}


def _summed(acting: Sequence[tuple[Control, list[torch.Tensor]]], latents: torch.Tensor) -> list[torch.Tensor]:
    """What the UNet adds, level by level, for every one of the latents."""
    strengthened = [[feature * control.strength for feature in seen] for control, seen in acting]
    sums = [torch.stack(level).sum(0) for level in zip(*strengthened, strict=True)]
    return [level.repeat(latents.shape[0], 1, 1, 1).to(latents.dtype) for level in sums]


def _features(net: Any, picture: Floats) -> list[torch.Tensor]:
    first = next(net.parameters())
    tensor = picture_tensor(picture)
    if net.config.in_channels == 1:
        tensor = tensor.mean(1, keepdim=True)
    multiple = net.config.downscale_factor
    missing = (-tensor.shape[-1] % multiple, -tensor.shape[-2] % multiple)
    padded = torch.nn.functional.pad(tensor, (0, missing[0], 0, missing[1]), mode="replicate")
    return list(net(padded.to(first.device, first.dtype)))
