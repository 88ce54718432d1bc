"""How many denoising steps a pipeline is going to make, asked of its own scheduler and its own arithmetic beforehand.

Families round a strength in different ways, and some schedulers visit more times than they are asked for.
"""

from __future__ import annotations

import inspect
from typing import Any

from bridge.protocol.errors import BridgeError, ErrorCode


def counted_steps(pipe: Any, scheduler: Any, steps: int, strength: float | None, *, emulated: bool = False) -> int:
    """Steps of a call of `pipe`.

    Args:
        pipe: not in the middle of a call.
        scheduler: one like that of the call, which nobody else uses.
        steps: that are asked for.
        strength: share of them to be made, above 0 to 1; None for a pipeline that starts from noise.
        emulated: the pipeline is helped to start from a picture (`picture_start`).

    Raises:
        BridgeError: `invalid_field` when the scheduler cannot make so many steps of so little strength.
    """
    _set_timesteps(scheduler, steps, strength if _divides_the_rest(pipe) else None)
    if strength is None:
        return len(scheduler.timesteps)
    if emulated:
        return len(scheduler.timesteps) - first_step(scheduler, strength)
    if _divides_the_rest(pipe) or not hasattr(pipe, "get_timesteps"):
        return len(scheduler.timesteps)
    before = pipe.scheduler
    pipe.scheduler = scheduler
    try:
        return len(pipe.get_timesteps(steps, strength, "cpu")[0])
    finally:
        pipe.scheduler = before


def first_step(scheduler: Any, strength: float) -> int:
    """Which of a scheduler's timesteps a picture is started from that a pipeline is helped to start from."""
    order = getattr(scheduler, "order", 1)
    steps = len(scheduler.timesteps) // order
    return int(order * (steps - max(1, min(steps, int(steps * strength + 1e-6)))))


def _divides_the_rest(pipe: Any) -> bool:
    """Whether a pipeline makes as many steps as are asked for of the part of the way that a strength leaves."""
    return type(pipe).__name__.startswith("LatentConsistencyModel")


def _set_timesteps(scheduler: Any, steps: int, strength: float | None) -> None:
    known = inspect.signature(scheduler.set_timesteps).parameters
    more: dict[str, Any] = {}
    if scheduler.config.get("use_dynamic_shifting") and "mu" in known:
        more["mu"] = 1.0  # Moves the times; there are as many.
    if strength is not None and "strength" in known:
        more["strength"] = strength
    try:
        scheduler.set_timesteps(steps, **more)
    except ValueError as error:
        raise BridgeError(
            ErrorCode.INVALID_FIELD,
            f"{type(scheduler).__name__} cannot make {steps} steps of this task: {error}",
            hint="Take fewer steps, or more strength.",
            field="task.steps",
        ) from error
