"""One plan, one or more seeds: the pipeline call, from encoding to decoding, with places to stop."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import Region

from .adapters.guidance import Guided
from .conversion import Floats
from .family_arguments import in_the_family_s_words, starts_emulated
from .latents import decodes_itself, unpacked
from .models.loading import LoadedModel
from .picture_start import starting_from
from .picture_tensor import picture_tensor
from .pipeline_call import accepted, arguments_for, strength_to_ask_for
from .plan import Plan, Second
from .previews import Previewer
from .regions.blending import RegionBlend, check_blending
from .regions.rehearsal import rehearse
from .regions.shares import Shares
from .scheduler_tap import SchedulerTap
from .seamless import decode_seamless, seamless
from .settings import Settings
from .stages import Stages
from .step_count import counted_steps
from .step_hook import StepHook
from .upscale.painting import TileProgress, expect_latents, in_tiles, tile_arguments
from .upscale.tiled_model import decode_tiles


@dataclass(frozen=True)
class Painter:
    """Paints one picture a seed, together.

    Attributes:
        preview_side: longest side of previews in px; 0 for none.
        regions: parts of the canvas with prompts of their own, which are among those of the settings.
    """

    model: LoadedModel
    settings: Settings
    seeds: Sequence[int]
    stages: Stages
    preview_side: int = 0
    regions: Sequence[Region] = ()

    def paint(self, plan: Plan, guided: Guided | None = None) -> list[Floats]:
        """Pictures (height, width, 3) `float32` sRGB, 0 to 1, of the size of the plan's last pass.

        Args:
            guided: a pipeline of the model with pictures that guide its first pass; None for the plain one.

        Raises:
            JobAborted: the job was stopped.
            BridgeError: the model cannot do this.
        """
        guided, image = guided or self._unguided(plan), self.stages.image
        after = 0 if plan.second is None else self._steps_of_second(plan.second)
        with self.stages.part(image=image, after=after):
            pictures = self._paint_once(plan, guided)
        if plan.second is None:
            return pictures
        before = self._steps(plan, guided.pipe)  # Such a plan has no tiles.
        for number, picture in enumerate(pictures):  # One after the other: they are larger.
            second = plan.second.after(picture)
            with self.stages.part(image=image + number, before=before):
                (pictures[number],) = self._only(number)._paint_once(second, self._unguided(second))
        return pictures

    def _unguided(self, plan: Plan) -> Guided:
        return Guided(self.model.pipeline(plan.mode))

    def _only(self, number: int) -> Painter:
        return replace(self, settings=self.settings.only(number), seeds=[self.seeds[number]])

    def _paint_once(self, plan: Plan, guided: Guided) -> list[Floats]:
        pipe = guided.pipe
        steps, tiles = self._steps(plan, pipe), 1 if plan.tiles is None else plan.tiles.count
        begin = functools.partial(self.stages.enter, "denoising", steps * tiles)
        tap = self._tap(plan, begin)
        self.stages.enter("encoding")
        with torch.inference_mode(), seamless(pipe, plan.seamless), ExitStack() as acting:
            tiled = tile_arguments(pipe, plan.tiles, len(self.seeds), self.stages.check)
            regions = self._regions(plan, tiled, steps)
            pipe.scheduler = tap.scheduler
            if regions is not None:
                acting.enter_context(regions.acting(pipe, tap, in_tiles=plan.tiles is not None))
            progress = TileProgress(self.stages, steps, tiles)
            tap.before_every_step(progress.step_done)
            acting.enter_context(in_tiles(pipe, plan.tiles, progress, guided.in_tiles, regions))
            guiding = acting.enter_context(guided.attached())
            arguments = self._arguments(pipe, plan, self.settings, {**guiding, **tiled})
            previewer = Previewer(self.preview_side, plan.width, plan.height, lambda: self.model.latent_colours(pipe))
            hooks = StepHook(plan, tap, self.stages, previewer, begin, steps).arguments(pipe)
            with self._helped_to_start(pipe, tap, plan, arguments.get("strength", 1.0)):
                output = pipe(
                    **accepted(pipe, arguments),
                    **hooks,
                    output_type="latent" if decodes_itself(pipe) else "pt",
                    return_dict=False,
                )[0]
            self.stages.enter("decoding")
            pictures = self._decoded(pipe, plan, output)
            _finish_offload(pipe)
        self.stages.check()
        return pictures

    def _arguments(self, pipe: Any, plan: Plan, settings: Settings, besides: Mapping[str, Any]) -> dict[str, Any]:
        """What the pipeline is called with; it knows some of it."""
        arguments = {**arguments_for(pipe, plan, settings, self.seeds), **besides}
        return in_the_family_s_words(self.model.family, pipe, plan, arguments)

    def _steps(self, plan: Plan, pipe: Any) -> int:
        """Denoising steps of a plan without its second pass; tiles are not counted."""
        starts = plan.start is not None or plan.tiles is not None
        return self._counted(pipe, plan.strength if starts else None, starts_emulated(self.model.family, plan))

    def _steps_of_second(self, second: Second) -> int:
        """Denoising steps of a second pass, times tiles: each costs about as much as one of the first."""
        return self._counted(self.model.pipeline("image-to-image"), second.strength) * second.tiles

    def _counted(self, pipe: Any, strength: float | None, emulated: bool = False) -> int:
        scheduler, steps = self.model.schedulers.fresh(self.settings.scheduler), self.settings.steps
        asked = None if strength is None else strength_to_ask_for(strength, steps)
        return counted_steps(pipe, scheduler, steps, asked, emulated=emulated)

    def _regions(self, plan: Plan, tiled: Mapping[str, Any], steps: int) -> RegionBlend | None:
        """The regions with what the denoiser is to be told of each, which a rehearsal without guides tells."""
        if not self.regions:
            return None
        pipe, told = self.model.pipeline(plan.mode), []
        check_blending(pipe)
        if plan.tiles is not None:
            expect_latents(pipe, tiled["image"])
        for number in range(len(self.regions)):
            self.stages.check()
            arguments = self._arguments(pipe, plan, self.settings.of_region(number), tiled)
            scheduler = self.model.schedulers.fresh(self.settings.scheduler)
            told.append(rehearse(pipe, scheduler, accepted(pipe, arguments)))
        return RegionBlend(told, Shares(self.regions, plan), steps)

    def _tap(self, plan: Plan, begin: Callable[[], None]) -> SchedulerTap:
        """A scheduler of the job's own. Denoising begins with the timesteps, or when a picture is mixed with noise."""
        from_noise = plan.mode == "text-to-image"
        return SchedulerTap(
            self.model.schedulers.fresh(self.settings.scheduler),
            on_timesteps=begin if from_noise else self.stages.check,
            on_start=self.stages.check if from_noise else begin,
            remembers=plan.change is not None,
        )

    def _helped_to_start(
        self, pipe: Any, tap: SchedulerTap, plan: Plan, strength: float
    ) -> AbstractContextManager[None]:
        """Whatever a pipeline without an image-to-image class needs to start from the plan's picture."""
        family = self.model.family
        if plan.start is None or not starts_emulated(family, plan):
            return nullcontext()
        pixels = picture_tensor(plan.start).repeat(len(self.seeds), 1, 1, 1)
        scaled = family is not None and family.noise == "diffusion"
        return starting_from(pipe, tap, pixels, strength, scaled=scaled)

    def _decoded(self, pipe: Any, plan: Plan, output: torch.Tensor) -> list[Any]:
        """Pictures of what a pipeline gave, which is latents where we decode them ourselves; halves if in tiles."""
        if decodes_itself(pipe):
            output = unpacked(pipe, output, plan.width, plan.height)
        if plan.tiles is not None:
            _check_numbers(bool(torch.isfinite(output).all()))
            return [decode_tiles(pipe, plan.tiles, each[None], self.stages.check) for each in output]
        pixels = decode_seamless(pipe, output, plan.seamless) if decodes_itself(pipe) else output.float()
        pictures = pixels.permute(0, 2, 3, 1).cpu().numpy()
        _check_numbers(bool(np.isfinite(pictures).all()))
        return list(pictures)


def _check_numbers(finite: bool) -> None:
    if not finite:
        raise BridgeError(
            ErrorCode.INTERNAL,
            "The model computed numbers that are no colours.",
            hint="Another scheduler, more steps or less guidance may help; or the model needs more precision.",
        )


def _finish_offload(pipe: Any) -> None:
    """Send parts home that were fetched for the decode."""
    free = getattr(pipe, "maybe_free_model_hooks", None)
    if free is not None:
        free()
