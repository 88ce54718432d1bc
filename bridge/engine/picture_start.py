"""Starting from a picture with a pipeline that only knows how to start from noise.

Image-to-image is text-to-image whose first steps are left out: the picture is encoded, mixed with as much noise as
belongs to the step where it begins, and the pipeline does the rest (SDEdit, Meng et al. 2021,
https://arxiv.org/abs/2108.01073). diffusers has classes of their own for that for some families; this is for the rest.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from .latents import encode_pixels, packed_like
from .scheduler_tap import SchedulerTap
from .step_count import first_step

REPLACED = ("prepare_latents",)
"""Methods of a pipeline that are replaced in the meantime."""


@contextmanager
def starting_from(
    pipe: Any, tap: SchedulerTap, pixels: torch.Tensor, strength: float, *, scaled: bool
) -> Iterator[None]:
    """Have the next call of `pipe` start from a picture.

    Args:
        tap: listens to the scheduler that `pipe` has for this job.
        pixels: (n, 3, height, width), sRGB, 0 to 1.
        strength: share of the steps to do, above 0 to 1.
        scaled: whether `pipe` multiplies its noise by the scheduler's `init_noise_sigma`.
    """
    start = _Start(pipe, tap, pixels, strength, scaled)
    original = pipe.prepare_latents
    pipe.prepare_latents = start.prepare(original)
    tap.scheduler.set_timesteps = start.shorten(tap.scheduler.set_timesteps)
    try:
        yield
    finally:
        del pipe.prepare_latents


class _Start:
    """Noise and timesteps come in either order; the picture is mixed in as soon as both are there."""

    def __init__(self, pipe: Any, tap: SchedulerTap, pixels: torch.Tensor, strength: float, scaled: bool) -> None:
        self._pipe = pipe
        self._tap = tap
        self._pixels = pixels
        self._strength = strength
        self._scaled = scaled
        self._latents: torch.Tensor | None = None
        self._shortened = False

    def prepare(self, original: Any) -> Any:
        @functools.wraps(original)
        def prepared(*args: Any, **kwargs: Any) -> Any:
            found = original(*args, **kwargs)
            self._latents = found[0] if isinstance(found, tuple) else found
            self._mix_if_ready()
            return found

        return prepared

    def shorten(self, original: Any) -> Any:
        @functools.wraps(original)
        def shortened(*args: Any, **kwargs: Any) -> None:
            original(*args, **kwargs)
            scheduler = self._tap.scheduler
            begin = first_step(scheduler, self._strength)
            sigmas = getattr(scheduler, "sigmas", None)
            # Pipelines say `set_begin_index(0)` themselves, so both lists have to begin there.
            if sigmas is not None and len(sigmas) == len(scheduler.timesteps) + 1:
                scheduler.sigmas = sigmas[begin:]
            scheduler.timesteps = scheduler.timesteps[begin:]
            self._shortened = True
            self._mix_if_ready()

        return shortened

    def _mix_if_ready(self) -> None:
        if self._latents is None or not self._shortened:
            return
        latents, scheduler = self._latents, self._tap.scheduler
        noise = latents / float(scheduler.init_noise_sigma) if self._scaled else latents.clone()
        clean = encode_pixels(self._pipe, self._pixels)
        self._tap.grid = clean.shape
        clean = packed_like(self._pipe, clean, latents).to(latents)
        at = scheduler.timesteps[:1].repeat(len(clean)).to(latents.device)
        # In place: the pipeline holds this very tensor already.
        latents.copy_(self._tap.mix(clean, noise, at))
