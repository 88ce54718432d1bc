"""A cheap look at an image that is being denoised."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat

from .clean_guess import CleanGuess
from .conversion import picture_of
from .latent_colours import LatentColours
from .latents import shows_latents, unpacked

TIME_SHARE = 0.1
"""Previews may take this share of the time that denoising takes."""


class Previewer:
    """Shows the colours of the guessed finished latents, no more often than its share of time allows.

    Nothing here touches the random numbers of a job, so its result is the same with previews as without.

    Args:
        side: longest side of a preview in px; 0 for none.
        width: of the picture that is computed, in px.
        height: likewise.
        colours: gives the model's way of showing latents; called when a preview is due.
    """

    def __init__(self, side: int, width: int, height: int, colours: Callable[[], LatentColours]) -> None:
        self._side = side
        self._size = (width, height)
        self._colours = colours
        self._guess = CleanGuess()
        self._not_before = 0.0

    def look(self, pipe: Any, scheduler: Any, latents: torch.Tensor, left: int) -> Picture | None:
        """A picture (rgb8) of about the side asked for, or less, after a step that leaves `left` more.

        None when none is due.
        """
        if self._side == 0 or not shows_latents(pipe):
            return None
        guess = self._guess.look(scheduler, latents[:1], left)
        began = time.perf_counter()
        if left == 0 or began < self._not_before:
            return None
        colours = self._colours()
        small = self._shrink(unpacked(pipe, guess, *self._size), colours.pixels)
        values = (colours.of(small.to(latents.dtype))[0] * 255).round().to(torch.uint8).cpu().numpy()
        now = time.perf_counter()
        self._not_before = now + (now - began) / TIME_SHARE
        return picture_of(np.ascontiguousarray(values), PixelFormat.RGB8, ColourSpace.SRGB)

    def _shrink(self, latents: torch.Tensor, pixels: int) -> torch.Tensor:
        height, width = latents.shape[-2:]
        factor = min(1.0, self._side / (pixels * max(height, width)))
        size = (max(1, round(height * factor)), max(1, round(width * factor)))
        return torch.nn.functional.interpolate(latents.float(), size, mode="area")
