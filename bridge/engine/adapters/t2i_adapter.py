"""T2I-Adapters: what they see in the guiding picture is added inside the UNet, at every kind of task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from bridge.engine.conversion import Floats
from bridge.engine.picture_tensor import picture_tensor
from bridge.protocol.tasks import Control

from .steps import Arguments, at_every_step, is_acting

Steering = tuple[Control, Any, Floats]
"""A control, its network, and its picture (height, width, 3) as the model sees it."""


@contextmanager
def steered(pipe: Any, steerings: Sequence[Steering]) -> Iterator[None]:
    """Have T2I-Adapters steer the pipeline's UNet while the context lasts."""
    with torch.inference_mode():
        features = [(control, _features(net, picture)) for control, net, picture in steerings]

    def act(step: int, steps: int, latents: torch.Tensor, arguments: Arguments) -> None:
        acting = [
            [feature * control.strength for feature in seen]
            for control, seen in features
            if is_acting(step, steps, control.start, control.end)
        ]
        if acting:
            sums = [torch.stack(level).sum(0) for level in zip(*acting, strict=True)]
            # The UNet takes these out of the list and adds in place.
            arguments["down_intrablock_additional_residuals"] = [
                level.repeat(latents.shape[0], 1, 1, 1).to(latents.dtype) for level in sums
            ]

    with at_every_step(pipe, act):
        yield


def _features(net: Any, picture: Floats) -> list[torch.Tensor]:
    first = next(net.parameters())
    tensor = picture_tensor(picture)
    if net.config.in_channels == 1:
        tensor = tensor.mean(1, keepdim=True)
    multiple = net.config.downscale_factor
    missing = (-tensor.shape[-1] % multiple, -tensor.shape[-2] % multiple)
    padded = torch.nn.functional.pad(tensor, (0, missing[0], 0, missing[1]), mode="replicate")
    return list(net(padded.to(first.device, first.dtype)))
