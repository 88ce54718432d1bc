"""A mask as a schedule: how late a pixel may begin to change, instead of whether it may.

Differential diffusion (Levin and Fried, 2023, https://arxiv.org/abs/2306.00950), which gives soft edges with any
model: after every step, pixels that are not released yet are put back to the original, as noisy as it is to be then.
"""

from __future__ import annotations

from typing import Any

import torch

from .latents import packed_like
from .scheduler_tap import SchedulerTap


class SoftMask:
    """Holds back the pixels of a change map (1, 1, h, w) at latent resolution: 0 keeps, 1 is free from the start."""

    def __init__(self, change: torch.Tensor) -> None:
        self._change = change

    def hold_back(self, pipe: Any, tap: SchedulerTap, latents: torch.Tensor, step: int, steps: int) -> torch.Tensor:
        """The latents after step `step` (from 0) of `steps`, with what is held back replaced by the original."""
        original = tap.noisy(steps - 1 - step)
        if original.ndim == 5:
            original = original.flatten(1, 2)  # families that paint pictures as films of one frame
        grid = tap.grid or original.shape
        change = self._change.to(device=original.device, dtype=original.dtype)
        if len(grid) == 4:
            change = torch.nn.functional.interpolate(change, grid[-2:], mode="area")
        # A pixel with change m is released at the share 1 - m of the steps; one with 0 never, not even at the end.
        held = change <= 1 - (step + 1) / steps
        held = packed_like(pipe, held.expand(grid), latents)
        return torch.where(held, packed_like(pipe, original, latents), latents)
