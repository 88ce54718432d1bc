"""Acting on a denoiser for a part of the steps, whatever pipeline calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

Arguments = dict[str, Any]


@contextmanager
def at_every_step(pipe: Any, act: Callable[[int, int, Any, Arguments], None]) -> Iterator[None]:
    """Have `act(step, steps, latents, arguments)` change the arguments of the UNet before each of its steps.

    A pipeline calls its UNet once a step, with both halves of classifier-free guidance in one batch.
    """
    step = 0

    def before(_: Any, args: tuple[Any, ...], kwargs: Arguments) -> tuple[tuple[Any, ...], Arguments]:
        nonlocal step
        act(step, int(pipe.num_timesteps), args[0], kwargs)
        step += 1
        return args, kwargs

    handle = pipe.unet.register_forward_pre_hook(before, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


class StepsSeen:
    """Counts denoising steps by their time, for networks that are asked more than once a step."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._step = -1

    def at(self, timestep: torch.Tensor) -> int:
        """Number of the step, from 0, that is made at this time; each is seen at least once, in order."""
        now = float(timestep.flatten()[0])
        if now != self._last:
            self._step += 1
            self._last = now
        return self._step


def is_acting(step: int, steps: int, start: float, end: float) -> bool:
    """Whether something from `start` to `end` of the steps acts at this one; the rule of diffusers' ControlNets."""
    return step / steps >= start and (step + 1) / steps <= end
