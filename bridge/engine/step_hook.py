"""What happens after every denoising step: what is held back, progress, previews, and a place to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .picture_tensor import picture_tensor
from .pipeline_call import accepted
from .plan import Plan
from .previews import Previewer
from .scheduler_tap import SchedulerTap
from .soft_mask import SoftMask
from .stages import Stages


class StepHook:
    """A callback of pipelines, or of the scheduler of those that take none.

    Args:
        begin: enters the stage of denoising.
        steps: that there will be, for pipelines that do not say so.
    """

    def __init__(
        self, plan: Plan, tap: SchedulerTap, stages: Stages, previewer: Previewer, begin: Callable[[], None], steps: int
    ) -> None:
        self._steps = steps
        self._begin = begin
        self._tap = tap
        self._stages = stages
        self._previewer = previewer
        self._counts = plan.tiles is None  # Tiles are counted one by one.
        # A model that takes a mask itself needs none of ours.
        change = None if plan.mode == "inpaint" else plan.change
        self._soft_mask = None if change is None else SoftMask(picture_tensor(change[..., None]))

    def arguments(self, pipe: Any) -> dict[str, Any]:
        """What has the pipeline call this after every step; nothing where its scheduler will."""
        wanted = {"callback_on_step_end": self, "callback_on_step_end_tensor_inputs": ["latents"]}
        known = accepted(pipe, wanted)
        if not known:
            self._tap.after_every_step(lambda step, latents: self(pipe, step, None, {"latents": latents})["latents"])
        return known

    def __call__(
        self, pipe: Any, step: int, timestep: Any, tensors: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """Look at the latents after step number `step`, from 0, and say what they are to be. Raises `JobAborted`."""
        steps = self._steps if not hasattr(pipe, "num_timesteps") else pipe.num_timesteps
        latents = tensors["latents"]
        if self._stages.stage != "denoising":
            self._begin()  # A pipeline that never mixed noise into a picture, which would have told.
        if self._soft_mask is not None:
            latents = self._soft_mask.hold_back(pipe, self._tap, latents, step, steps)
        if self._counts:
            self._stages.step_done(step + 1, steps)
        picture = self._previewer.look(pipe, self._tap.scheduler, latents, steps - 1 - step)
        if picture is not None:
            self._stages.preview(step + 1, picture)
        return {"latents": latents}
