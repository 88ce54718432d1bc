"""Distil a model folder into a student of a few steps, with the guidance folded in.

    python -m training.distil --run training/runs/b --teacher MODEL --steps 4 --guidance 3 --minutes 60
    python -m training.distil --run training/runs/b --teacher STUDENT --steps 2 --guidance 1 --substeps 2 --minutes 60

This is progressive distillation (Salimans and Ho, "Progressive Distillation for Fast Sampling of Diffusion Models",
2022) from a guided teacher (Meng et al., "On Distillation of Guided Diffusion Models", 2023): where the teacher takes
`--substeps` guided DDIM steps from one noise level to the next, the student learns to arrive at the same place in one.
Only the U-Net is taught; text encoder, tokenizer and autoencoder are the teacher's. The run needs the latents and
captions of training.encode; it resumes from `student-4.pt`, named by its number of steps.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional

from training.clock import Clock
from training.export import write_folder
from training.machine import options, parse, precision
from training.networks import new_scheduler
from training.train_denoiser import BATCH, Pictures, moving_average, stop_requests, tokenise

PEAK_RATE = 2e-4
#: How often a picture is taught without a caption: the student must draw something for an empty prompt too.
CAPTION_DROP = 0.03
REPORT = 25


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


class Distiller:
    """The teacher, the student, the student's running average and the optimiser."""

    def __init__(self, teacher: StableDiffusionPipeline, lesson: Lesson, device: torch.device) -> None:
        self.lesson, self.device = lesson, device
        self.text = teacher.text_encoder.to(device).eval().requires_grad_(False)
        self.teacher = teacher.unet.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
        self.student = UNet2DConditionModel.from_config(teacher.unet.config).to(device)
        self.student.load_state_dict(teacher.unet.state_dict())
        self.student.to(memory_format=torch.channels_last).train()
        self.average = {name: value.clone() for name, value in self.student.state_dict().items()}
        self.optimiser = torch.optim.AdamW(
            self.student.parameters(), PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-4, foreach=True
        )
        self.alphas = new_scheduler().alphas_cumprod.to(device)
        self.grid = grid(lesson).to(device)
        self.empty = tokenise(teacher.tokenizer, [""])[0].to(device)
        self.steps = 0

    @torch.no_grad()
    def target(self, latents: Tensor, start: Tensor, words: Tensor) -> Tensor:
        """Return what noisy latents become by the teacher's substeps from the grid's places `start` (count,)."""
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
            return self.teacher(latents, times, words).sample.float()
        both = torch.cat([latents, latents]).contiguous(memory_format=torch.channels_last)
        told, untold = self.teacher(both, times.repeat(2), torch.cat([words, nothing])).sample.float().chunk(2)
        return untold + self.lesson.guidance * (told - untold)

    def loss(self, pictures: Tensor, tokens: Tensor) -> Tensor:
        """Return the mean squared error of the student's velocity against the one that leads where the teacher went."""
        count, device = len(pictures), self.device
        tokens = torch.where((torch.rand(count, device=device) < CAPTION_DROP)[:, None], self.empty, tokens)
        start = torch.randint(self.lesson.steps, (count,), device=device) * self.lesson.substeps
        here, there = (
            signal_and_noise(self.alphas, self.grid[place]) for place in (start, start + self.lesson.substeps)
        )
        noisy = here[0] * pictures + here[1] * torch.randn_like(pictures)
        with precision(device):
            words = self.text(tokens).last_hidden_state
            wanted = velocity_between(noisy, self.target(noisy, start, words), here, there)
            guess = self.student(noisy.contiguous(memory_format=torch.channels_last), self.grid[start], words).sample
        return functional.mse_loss(guess.float(), wanted)

    def step(self, pictures: Tensor, tokens: Tensor, rate: float) -> Tensor:
        """Take one step of the optimiser and move the average; return the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self.loss(pictures, tokens)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 1.0)
        self.optimiser.step()
        self.steps += 1
        moving_average(self.average, self.student.state_dict(), self.steps)
        return loss.detach()

    def save(self, path: Path, spent: float) -> None:
        """Write everything that resuming needs; `spent` is in seconds."""
        state = {"student": self.student.state_dict(), "average": self.average, "steps": self.steps, "spent": spent}
        partial = path.with_suffix(".partial")
        torch.save({**state, "optimiser": self.optimiser.state_dict()}, partial)
        partial.replace(path)

    def load(self, path: Path) -> float:
        """Read what `save` wrote and return the seconds spent."""
        state = torch.load(path, map_location=self.device)
        self.student.load_state_dict(state["student"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average, self.steps = state["average"], state["steps"]
        return state["spent"]


def student_pipeline(teacher: StableDiffusionPipeline, average: dict[str, Tensor]) -> StableDiffusionPipeline:
    """Return the teacher's pipeline with the student in it, and the scheduler that the student was taught for."""
    unet = UNet2DConditionModel.from_config(teacher.unet.config)
    unet.load_state_dict({name: value.cpu() for name, value in average.items()})
    parts = {**teacher.components, "unet": unet.eval()}
    parts["scheduler"] = DDIMScheduler.from_config(new_scheduler().config)
    return StableDiffusionPipeline(**parts, requires_safety_checker=False)


def write_card(teacher: Path, folder: Path, steps: int) -> None:
    """Write the student's `bridge.json`: the teacher's, with the student's steps and without guidance."""
    source = teacher / "bridge.json"
    card = json.loads(source.read_text(encoding="utf-8")) if source.exists() else {}
    title = card.get("title", teacher.name)
    card |= {"title": title if title.endswith(", fast") else f"{title}, fast", "steps": steps, "guidance_scale": 1.0}
    (folder / "bridge.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def train(arguments: argparse.Namespace) -> None:
    """Distil for `--minutes` in all, write the checkpoint and, with `--folder`, the student's model folder."""
    device, run = arguments.device, arguments.run
    teacher = StableDiffusionPipeline.from_pretrained(arguments.teacher, torch_dtype=torch.float32)
    pictures = Pictures.of(run, teacher.tokenizer, device, {})
    torch.manual_seed(arguments.seed)
    lesson = Lesson(arguments.steps, arguments.guidance, arguments.substeps)
    distiller, path = Distiller(teacher, lesson, device), run / f"student-{lesson.steps}.pt"
    spent = distiller.load(path) if path.exists() else 0.0
    torch.manual_seed(arguments.seed + distiller.steps)
    rng = np.random.default_rng([arguments.seed, distiller.steps])
    clock, saved = Clock(arguments.minutes * 60, spent), time.monotonic()
    losses: list[Tensor] = []
    with stop_requests() as stop:
        while clock.fraction() < 1 and not stop:
            latents, tokens = pictures.batch(rng, arguments.batch, distiller.steps, clock.fraction())
            losses.append(distiller.step(latents, tokens, clock.rate(arguments.rate, distiller.steps)))
            if distiller.steps % REPORT == 0:
                loss = torch.stack(losses).mean().item()
                losses.clear()
                print(f"{clock.elapsed():6.0f} s  step {distiller.steps}  loss {loss:.5f}", flush=True)
            if time.monotonic() - saved > 120:
                saved = time.monotonic()
                distiller.save(path, clock.elapsed())
    distiller.save(path, clock.elapsed())
    if arguments.folder:
        teacher.to("cpu")
        write_folder(student_pipeline(teacher, distiller.average), arguments.folder)
        write_card(arguments.teacher, arguments.folder, lesson.steps)
        print(f"after {distiller.steps} updates: {arguments.folder}", flush=True)


def main() -> None:
    parser = options(__doc__, minutes=60, seed=4)
    parser.add_argument("--teacher", type=Path, required=True, help="model folder to learn from")
    parser.add_argument("--steps", type=int, default=4, help="steps that the student takes")
    parser.add_argument("--guidance", type=float, default=3.0, help="guidance of the teacher; 1 for none")
    parser.add_argument("--substeps", type=int, default=5, help="steps of the teacher for one of the student")
    parser.add_argument("--rate", type=float, default=PEAK_RATE, help="peak learning rate")
    parser.add_argument("--batch", type=int, default=BATCH, help="pictures of 128 pixels in a step")
    parser.add_argument("--folder", type=Path, help="write the student here as a model folder at the end")
    train(parse(parser))


if __name__ == "__main__":
    main()
