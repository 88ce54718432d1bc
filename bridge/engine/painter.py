"""One plan, one or more seeds: the pipeline call, with progress, previews, soft masks, and places to stop."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import Generation

from .adapters.guidance import Guided
from .conversion import Floats
from .family_arguments import in_the_family_s_words, starts_emulated
from .latents import decodes_itself, unpacked
from .models.loading import LoadedModel
from .picture_start import starting_from
from .plan import Plan
from .previews import Previewer
from .prompting.image_prompts import ImagePrompts
from .prompting.reading import reading_of
from .scheduler_tap import SchedulerTap
from .schedulers import make_scheduler
from .seamless import decode_seamless, seamless
from .soft_mask import SoftMask
from .stages import Stages
from .upscale.painting import in_tiles, tile_arguments
from .upscale.tiled_model import decode_tiles
from .upscale.tiles import Tiles


@dataclass(frozen=True)
class Settings:
    """What a job asks of a pipeline, with nothing left open.

    Attributes:
        prompts: of the images that are painted together, one each.
    """

    steps: int
    guidance_scale: float
    scheduler: str
    prompts: tuple[ImagePrompts, ...] = ()

    @classmethod
    def of(cls, task: Generation, model: LoadedModel) -> Settings:
        """The task's own, and the model's recommendation where it says nothing."""
        return cls(
            model.source.steps if task.steps is None else task.steps,
            model.source.guidance_scale if task.guidance_scale is None else task.guidance_scale,
            task.scheduler,
        )

    def only(self, number: int) -> Settings:
        """For one of the images that were painted together."""
        return replace(self, prompts=self.prompts[number : number + 1])


def paint(
    plan: Plan,
    model: LoadedModel,
    settings: Settings,
    seeds: Sequence[int],
    stages: Stages,
    preview_side: int,
    guided: Guided | None = None,
) -> list[Floats]:
    """Paint one picture a seed, together: (height, width, 3) `float32` sRGB, 0 to 1, of the plan's size.

    Args:
        guided: a pipeline of the model with pictures that guide it; None for the plain one.

    Raises:
        JobAborted: the job was stopped.
        BridgeError: the model cannot do this.
    """
    guided = guided or Guided(model.pipeline(plan.mode))
    pipe = guided.pipe
    begin = functools.partial(stages.enter, "denoising", _expected_steps(plan, settings))
    from_noise = plan.mode == "text-to-image"
    tap = SchedulerTap(
        make_scheduler(settings.scheduler, model.own_scheduler),
        on_timesteps=begin if from_noise else stages.check,
        on_start=stages.check if from_noise else begin,
    )
    pipe.scheduler = tap.scheduler
    stages.enter("encoding")
    tiled = in_tiles(pipe, plan.tiles, stages, _expected_steps(plan, settings))
    with torch.inference_mode(), seamless(pipe, plan.seamless), tiled, guided.attached() as guiding:
        arguments = {**_arguments(pipe, plan, settings, seeds), **guiding}
        arguments.update(tile_arguments(pipe, plan.tiles, len(seeds), stages.check))
        previewer = Previewer(preview_side, plan.width, plan.height, lambda: model.latent_colours(pipe))
        steps = _StepHook(plan, tap, stages, previewer, begin)
        arguments = in_the_family_s_words(model.family, pipe, plan, arguments)
        hooks = _accepted(pipe, {"callback_on_step_end": steps, "callback_on_step_end_tensor_inputs": ["latents"]})
        if not hooks:
            tap.after_every_step(lambda step, latents: steps(pipe, step, None, {"latents": latents})["latents"])
        own_decode = decodes_itself(pipe)
        with _helped_to_start(pipe, tap, model, plan, arguments):
            output = pipe(
                **_accepted(pipe, arguments),
                **hooks,
                output_type="latent" if own_decode else "pt",
                return_dict=False,
            )[0]
        stages.enter("decoding")
        if plan.tiles is not None:
            return _decoded_in_tiles(pipe, plan.tiles, output, stages)
        if own_decode:
            pixels = decode_seamless(pipe, unpacked(pipe, output, plan.width, plan.height), plan.seamless)
        else:
            pixels = output.float()
        _finish_offload(pipe)
        pictures = pixels.permute(0, 2, 3, 1).cpu().numpy()
    if not np.isfinite(pictures).all():
        raise _no_colours()
    stages.check()
    return list(pictures)


def paint_in_passes(
    plan: Plan,
    model: LoadedModel,
    settings: Settings,
    seeds: Sequence[int],
    stages: Stages,
    preview_side: int,
    guided: Guided | None = None,
) -> list[Floats]:
    """As `paint`, and what the plan wants done with each picture after that."""
    pictures = paint(plan, model, settings, seeds, stages, preview_side, guided)
    if plan.second is None:
        return pictures
    return [
        paint(plan.second(picture), model, settings.only(number), [seed], stages, preview_side)[0]
        for number, (picture, seed) in enumerate(zip(pictures, seeds, strict=True))
    ]


def _decoded_in_tiles(pipe: Any, tiles: Tiles, latents: torch.Tensor, stages: Stages) -> list[Any]:
    if not torch.isfinite(latents).all():
        raise _no_colours()
    pictures = [decode_tiles(pipe, tiles, each[None], stages.check) for each in latents]
    _finish_offload(pipe)
    stages.check()
    return pictures


def _no_colours() -> BridgeError:
    return BridgeError(
        ErrorCode.INTERNAL,
        "The model computed numbers that are no colours.",
        hint="Another scheduler, more steps or less guidance may help; or the model needs more precision.",
    )


def _helped_to_start(
    pipe: Any, tap: SchedulerTap, model: LoadedModel, plan: Plan, arguments: dict[str, Any]
) -> AbstractContextManager[None]:
    """Whatever a pipeline without an image-to-image class needs to start from the plan's picture."""
    if plan.start is None or not starts_emulated(model.family, plan):
        return nullcontext()
    count = len(arguments["generator"])
    pixels = torch.from_numpy(np.ascontiguousarray(plan.start)).permute(2, 0, 1)[None].repeat(count, 1, 1, 1)
    diffusion = model.family is not None and model.family.noise == "diffusion"
    return starting_from(pipe, tap, pixels, arguments["strength"], scaled=diffusion)


class _StepHook:
    """What happens after every denoising step."""

    def __init__(
        self, plan: Plan, tap: SchedulerTap, stages: Stages, previewer: Previewer, begin: Callable[[], None]
    ) -> None:
        self._begin = begin
        self._tap = tap
        self._stages = stages
        self._previewer = previewer
        self._counts = plan.tiles is None  # Tiles are counted one by one.
        change = None if plan.change is None else torch.from_numpy(np.ascontiguousarray(plan.change))[None, None]
        self._soft_mask = None if change is None or plan.mode == "inpaint" else SoftMask(change)

    def __call__(
        self, pipe: Any, step: int, timestep: Any, tensors: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        steps = len(self._tap.scheduler.timesteps) if not hasattr(pipe, "num_timesteps") else pipe.num_timesteps
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


def _expected_steps(plan: Plan, settings: Settings) -> int:
    if plan.start is None and plan.tiles is None:
        return settings.steps
    return max(1, int(settings.steps * plan.strength)) * (1 if plan.tiles is None else plan.tiles.count)


def _arguments(pipe: Any, plan: Plan, settings: Settings, seeds: Sequence[int]) -> dict[str, Any]:
    n = len(seeds)
    arguments: dict[str, Any] = {
        **reading_of(pipe).arguments(settings.prompts),
        "num_inference_steps": settings.steps,
        "guidance_scale": settings.guidance_scale,
        "generator": [torch.Generator("cpu").manual_seed(seed) for seed in seeds],
        "width": plan.width,
        "height": plan.height,
    }
    if plan.start is not None:
        image = torch.from_numpy(np.ascontiguousarray(plan.start)).permute(2, 0, 1)[None]
        arguments["image"] = image.expand(n, -1, -1, -1).contiguous()
    if plan.start is not None or plan.tiles is not None:
        # A strength below one step would be none at all, and pipelines trip over their own empty loop.
        arguments["strength"] = min(1.0, max(plan.strength, (1 + 1e-6) / settings.steps))
    if plan.mode == "inpaint" and plan.change is not None:
        mask = torch.from_numpy(np.ascontiguousarray(plan.change > 0, dtype=np.float32))[None, None]
        arguments["mask_image"] = mask.expand(n, -1, -1, -1).contiguous()
    return arguments


def _accepted(pipe: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Those arguments that this family of pipelines knows."""
    known = inspect.signature(pipe.__call__).parameters
    return {name: value for name, value in arguments.items() if name in known}


def _finish_offload(pipe: Any) -> None:
    """Send parts home that were fetched for the decode."""
    free = getattr(pipe, "maybe_free_model_hooks", None)
    if free is not None:
        free()
