"""Listening to a job's own scheduler: what it mixed with noise, and when."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import torch

from .schedulers import is_flow


class SchedulerTap:
    """Remembers the clean latents and the noise that a pipeline starts from, and can mix them again at any step.

    Image-to-image pipelines hand both to their scheduler (`add_noise`, or `scale_noise` for flow matching) just
    before the first step, whatever the family; here is the one place that sees them all alike.

    Args:
        remembers: keep both; to listen alone needs no memory.
    """

    def __init__(
        self,
        scheduler: Any,
        on_timesteps: Callable[[], None],
        on_start: Callable[[], None],
        *,
        remembers: bool = True,
    ) -> None:
        self.scheduler = scheduler
        self.clean: torch.Tensor | None = None
        """Latents of the starting picture."""
        self.noise: torch.Tensor | None = None
        """The noise that was mixed in."""
        self.grid: torch.Size | None = None
        """Shape of the clean latents as (n, channels, height, width), where they are kept in another."""
        self._started = False
        self._remembers = remembers
        self._mix_name = "scale_noise" if is_flow(scheduler) else "add_noise"
        self._mix = getattr(scheduler, self._mix_name, None)
        self._listen("set_timesteps", on_timesteps)
        if self._mix is not None:
            self._listen_to_mix(self._mix, on_start)

    def noisy(self, left: int) -> torch.Tensor:
        """The clean latents as noisy as they are to be when `left` steps are left; clean at the end.

        Raises `RuntimeError` when the pipeline never mixed anything.
        """
        if self.clean is None or self.noise is None or self._mix is None:
            raise RuntimeError("the pipeline did not start from a picture")
        if left == 0:
            return self.clean
        # Whatever the strength left out was at the beginning, so count from the end.
        at = self.scheduler.timesteps[-left].reshape(1).repeat(self.clean.shape[0]).to(self.clean.device)
        arguments = (self.clean, at, self.noise) if self._mix_name == "scale_noise" else (self.clean, self.noise, at)
        mixed: torch.Tensor = self._mix(*arguments)
        return mixed.to(self.clean.dtype)

    def mix(self, clean: torch.Tensor, noise: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        """`clean` as noisy as it is to be at the timesteps `at` (n), as an image-to-image pipeline would have it."""
        mix = getattr(self.scheduler, self._mix_name)
        mixed: torch.Tensor = mix(clean, at, noise) if self._mix_name == "scale_noise" else mix(clean, noise, at)
        return mixed

    def before_every_step(self, heard: Callable[[], None]) -> None:
        """Have `heard` called when a prediction is complete."""
        self._listen("step", heard)

    def after_every_step(self, change: Callable[[int, torch.Tensor], torch.Tensor]) -> None:
        """Let `change(number from 0, latents)` have the latents after each step, where a pipeline asks nobody."""
        original, count = self.scheduler.step, itertools.count()

        @functools.wraps(original)
        def stepped(*args: Any, **kwargs: Any) -> Any:
            first, *rest = original(*args, **{**kwargs, "return_dict": False})
            return (change(next(count), first), *rest)

        self.scheduler.step = stepped

    def _listen(self, name: str, heard: Callable[[], None]) -> None:
        original = getattr(self.scheduler, name)

        @functools.wraps(original)
        def listened(*args: Any, **kwargs: Any) -> Any:
            heard()
            return original(*args, **kwargs)

        setattr(self.scheduler, name, listened)

    def _listen_to_mix(self, original: Callable[..., Any], on_start: Callable[[], None]) -> None:
        @functools.wraps(original)
        def listened(*args: Any, **kwargs: Any) -> Any:
            if not self._started:
                self._started = True
                if self._remembers:
                    first, second, third = (*args, *kwargs.values())
                    self.clean, self.noise = first, third if self._mix_name == "scale_noise" else second
                on_start()
            return original(*args, **kwargs)

        setattr(self.scheduler, self._mix_name, listened)
