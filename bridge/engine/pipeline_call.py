"""What a pipeline is called with to paint a plan, whatever its family."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .conversion import Floats
from .picture_tensor import picture_tensor
from .plan import Plan
from .prompting.reading import reading_of
from .settings import Settings


def arguments_for(pipe: Any, plan: Plan, settings: Settings, seeds: Sequence[int]) -> dict[str, Any]:
    """Arguments by the names that most families use; one picture a seed."""
    arguments: dict[str, Any] = {
        **(reading_of(pipe).arguments(settings.prompts) if settings.texts is None else settings.texts),
        "num_inference_steps": settings.steps,
        "guidance_scale": settings.guidance_scale,
        "generator": [torch.Generator("cpu").manual_seed(seed) for seed in seeds],
        "width": plan.width,
        "height": plan.height,
    }
    if plan.start is not None:
        arguments["image"] = _for_each(plan.start, seeds)
    if plan.start is not None or plan.tiles is not None:
        # A strength below one step would be none at all, and pipelines trip over their own empty loop.
        arguments["strength"] = min(1.0, max(plan.strength, (1 + 1e-6) / settings.steps))
    if plan.mode == "inpaint" and plan.change is not None:
        arguments["mask_image"] = _for_each((plan.change > 0)[..., None].astype(np.float32), seeds)
    return arguments


def accepted(pipe: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Those arguments that this family of pipelines knows."""
    known = inspect.signature(pipe.__call__).parameters
    return {name: value for name, value in arguments.items() if name in known}


def expected_steps(plan: Plan, settings: Settings) -> int:
    """Denoising steps to be made by a plan without its second pass, times tiles."""
    if plan.start is None and plan.tiles is None:
        return settings.steps
    return _steps(plan.strength, 1 if plan.tiles is None else plan.tiles.count, settings)


def expected_second_steps(plan: Plan, settings: Settings) -> int:
    """Denoising steps of a plan's second pass, times tiles: each costs about as much as one of the first."""
    return 0 if plan.second is None else _steps(plan.second.strength, plan.second.tiles, settings)


def _steps(strength: float, tiles: int, settings: Settings) -> int:
    return max(1, int(settings.steps * strength)) * tiles


def _for_each(picture: Floats, seeds: Sequence[int]) -> torch.Tensor:
    """(n, channels, height, width), the same picture for every seed."""
    return picture_tensor(picture).expand(len(seeds), -1, -1, -1).contiguous()
