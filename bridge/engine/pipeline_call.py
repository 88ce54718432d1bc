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
        arguments["strength"] = strength_to_ask_for(plan.strength, settings.steps)
    if plan.mode == "inpaint" and plan.change is not None:
        arguments["mask_image"] = _for_each((plan.change > 0)[..., None].astype(np.float32), seeds)
    return arguments


def accepted(pipe: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Those arguments that this family of pipelines knows."""
    known = inspect.signature(pipe.__call__).parameters
    return {name: value for name, value in arguments.items() if name in known}


def strength_to_ask_for(strength: float, steps: int) -> float:
    """A strength below one step would be none at all, and pipelines trip over their own empty loop."""
    return min(1.0, max(strength, (1 + 1e-6) / steps))


def _for_each(picture: Floats, seeds: Sequence[int]) -> torch.Tensor:
    """(n, channels, height, width), the same picture for every seed."""
    return picture_tensor(picture).expand(len(seeds), -1, -1, -1).contiguous()
