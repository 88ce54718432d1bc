"""What a student of a few steps is taught: to arrive in one step where a guided teacher arrives in several.

Progressive distillation (Salimans and Ho, "Progressive Distillation for Fast Sampling of Diffusion Models", 2022) from
a guided teacher (Meng et al., "On Distillation of Guided Diffusion Models", 2023).
"""

from dataclasses import dataclass

import torch
from diffusers import StableDiffusionPipeline
from torch import Tensor

from training.networks import new_scheduler
from training.train_denoiser import tokenise


@dataclass(frozen=True)
class Lesson:
    """What the student is to do in one step: `steps` of them make a picture."""

    steps: int
    guidance: float
    substeps: int


def grid(lesson: Lesson) -> Tensor:
    """Return the time steps between noise and picture, (steps × substeps + 1,), from the last one down to -1.

    They are those of a "trailing" schedule; -1 stands for the picture itself.
    """
    count = lesson.steps * lesson.substeps
    return torch.linspace(1000, 0, count + 1).round().long() - 1


def signal_and_noise(alphas: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
    """Return α and σ, (count, 1, 1, 1) each, of time steps (count,); -1 has no noise at all."""
    kept = torch.where(times < 0, torch.ones_like(alphas[:1]), alphas[times.clamp(min=0)])[:, None, None, None]
    return kept.sqrt(), (1 - kept).sqrt()


def ddim_step(latents: Tensor, velocity: Tensor, here: tuple[Tensor, Tensor], there: tuple[Tensor, Tensor]) -> Tensor:
    """Move latents from one (α, σ) to another along the predicted velocity, without noise."""
    (alpha, sigma), (next_alpha, next_sigma) = here, there
    return next_alpha * (alpha * latents - sigma * velocity) + next_sigma * (sigma * latents + alpha * velocity)


def velocity_between(
    latents: Tensor, arrived: Tensor, here: tuple[Tensor, Tensor], there: tuple[Tensor, Tensor]
) -> Tensor:
    """Return the velocity with which one DDIM step leads from `latents` to `arrived`: `ddim_step`, solved for it."""
    (alpha, sigma), (next_alpha, next_sigma) = here, there
    # ddim_step is latents * (a'a + s's) + velocity * (s'a - a's).
    return (arrived - latents * (next_alpha * alpha + next_sigma * sigma)) / (next_sigma * alpha - next_alpha * sigma)


class Teacher:
    """A guided model that shows a lesson; its networks are not trained."""

    def __init__(self, pipeline: StableDiffusionPipeline, lesson: Lesson, device: torch.device) -> None:
        self.lesson, self.device = lesson, device
        self.text = pipeline.text_encoder.to(device).eval().requires_grad_(False)
        self.unet = pipeline.unet.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
        self.alphas = new_scheduler().alphas_cumprod.to(device)
        self.grid = grid(lesson).to(device)
        self.empty = tokenise(pipeline.tokenizer, [""])[0].to(device)

    @torch.no_grad()
    def words(self, tokens: Tensor) -> Tensor:
        """Return what the networks are told for tokens (count, 77)."""
        return self.text(tokens).last_hidden_state

    def ends(self, start: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Return (α, σ) where a step of the student starts and where it ends, from the grid's places (count,)."""
        here, there = (signal_and_noise(self.alphas, self.grid[start + more]) for more in (0, self.lesson.substeps))
        return here, there

    @torch.no_grad()
    def target(self, latents: Tensor, start: Tensor, words: Tensor) -> Tensor:
        """Return what noisy latents become by the substeps from the grid's places `start` (count,)."""
        nothing = self.text(self.empty[None]).last_hidden_state.expand_as(words)
        for place in range(self.lesson.substeps):
            times = self.grid[start + place]
            velocity = self._teach(latents, times, words, nothing)
            here, there = (signal_and_noise(self.alphas, self.grid[start + place + more]) for more in (0, 1))
            latents = ddim_step(latents, velocity, here, there)
        return latents

    def _teach(self, latents: Tensor, times: Tensor, words: Tensor, nothing: Tensor) -> Tensor:
        latents = latents.contiguous(memory_format=torch.channels_last)
        if self.lesson.guidance == 1:
            return self.unet(latents, times, words).sample.float()
        both = torch.cat([latents, latents]).contiguous(memory_format=torch.channels_last)
        told, untold = self.unet(both, times.repeat(2), torch.cat([words, nothing])).sample.float().chunk(2)
        return untold + self.lesson.guidance * (told - untold)
