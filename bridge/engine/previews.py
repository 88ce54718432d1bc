"""A cheap look at an image that is being denoised."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat

from .conversion import picture_of
from .latents import decode_latents, decodes_itself, unpacked
from .schedulers import is_flow

TIME_SHARE = 0.2
"""Previews may take this share of the time that denoising takes."""


class Previewer:
    """Decodes a shrunken guess at the finished latents, no more often than its share of time allows.

    Nothing here draws random numbers, so a job's result is the same with previews as without.
    """

    def __init__(self, side: int, width: int, height: int) -> None:
        self._side = side
        self._size = (width, height)
        self._not_before = 0.0

    def look(self, pipe: Any, scheduler: Any, latents: torch.Tensor) -> Picture | None:
        """A picture (rgb8) whose longest side is about the one asked for; None when it is not time for one."""
        began = time.perf_counter()
        if self._side == 0 or began < self._not_before or not decodes_itself(pipe):
            return None
        guess = _finished_guess(scheduler, latents)
        small = self._shrink(pipe, unpacked(pipe, guess[:1], *self._size))
        pixels = decode_latents(pipe, small)[0].permute(1, 2, 0)
        values = (pixels * 255).round().to(torch.uint8).cpu().numpy()
        now = time.perf_counter()
        self._not_before = now + (now - began) / TIME_SHARE
        return picture_of(np.ascontiguousarray(values), PixelFormat.RGB8, ColourSpace.SRGB)

    def _shrink(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        height, width = latents.shape[-2:]
        factor = min(1.0, self._side / max(self._size))
        size = (max(1, round(height * factor)), max(1, round(width * factor)))
        return torch.nn.functional.interpolate(latents.float(), size, mode="area").to(latents.dtype)


def _finished_guess(scheduler: Any, latents: torch.Tensor) -> torch.Tensor:
    """The scheduler's own prediction of the clean latents where it keeps one; else the latents as they are."""
    outputs: list[Any] | None = getattr(scheduler, "model_outputs", None)
    predicts_clean = getattr(scheduler.config, "predict_x0", False) or "++" in str(
        getattr(scheduler.config, "algorithm_type", "")
    )
    if predicts_clean and outputs and isinstance(outputs[-1], torch.Tensor) and outputs[-1].shape == latents.shape:
        guess: torch.Tensor = outputs[-1]
        return guess
    sigmas, index = getattr(scheduler, "sigmas", None), getattr(scheduler, "step_index", None)
    if is_flow(scheduler) or sigmas is None or index is None or index >= len(sigmas):
        return latents
    # Schedulers in sigma space let latents grow with the noise; bring them back to the size that decoders know.
    sigma = sigmas[index].to(latents)
    calmed: torch.Tensor = latents / (sigma**2 + 1) ** 0.5
    return calmed
