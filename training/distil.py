"""Distil a model folder into a student of a few steps, with the guidance folded in.

    python -m training.distil --run training/runs/b --teacher MODEL --steps 4 --guidance 3 --minutes 60
    python -m training.distil --run training/runs/b --teacher STUDENT --steps 2 --guidance 1 --substeps 2 --minutes 60

Where the teacher takes `--substeps` guided DDIM steps from one noise level to the next, the student learns to arrive at
the same place in one (see training.lesson). Only the U-Net is taught; text encoder, tokenizer and autoencoder are the
teacher's. The run needs the latents and captions of training.encode, or with `--paths` what training.paths recorded; it
resumes from `student-4.pt`, named by its number of steps.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTokenizer

from training.clock import Clock
from training.export import write_folder
from training.lesson import Lesson, Teacher, velocity_between
from training.machine import options, parse, precision
from training.networks import new_scheduler
from training.paths import Paths
from training.train_denoiser import BATCH, Pictures, moving_average, stop_requests

PEAK_RATE = 2e-4
#: How often a picture is taught without a caption: the student must draw something for an empty prompt too.
CAPTION_DROP = 0.03
REPORT = 25


class Distiller:
    """The teacher, the student, the student's running average and the optimiser."""

    def __init__(self, teacher: Teacher) -> None:
        self.teacher, self.device = teacher, teacher.device
        self.student = UNet2DConditionModel.from_config(teacher.unet.config).to(self.device)
        self.student.load_state_dict(teacher.unet.state_dict())
        self.student.to(memory_format=torch.channels_last).train()
        self.average = {name: value.clone() for name, value in self.student.state_dict().items()}
        self.optimiser = torch.optim.AdamW(
            self.student.parameters(), PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-4, foreach=True
        )
        self.steps = 0

    def picture_loss(self, pictures: Tensor, tokens: Tensor) -> Tensor:
        """Return the loss on pictures of the training set, made noisy: the teacher is asked where they lead."""
        count, device, lesson = len(pictures), self.device, self.teacher.lesson
        tokens = torch.where((torch.rand(count, device=device) < CAPTION_DROP)[:, None], self.teacher.empty, tokens)
        start = torch.randint(lesson.steps, (count,), device=device) * lesson.substeps
        (alpha, sigma), _ = self.teacher.ends(start)
        noisy = alpha * pictures + sigma * torch.randn_like(pictures)
        with precision(device):
            words = self.teacher.words(tokens)
            return self._loss(noisy, self.teacher.target(noisy, start, words), start, words)

    def path_loss(self, states: Tensor, arrived: Tensor, step: Tensor, tokens: Tensor) -> Tensor:
        """Return the loss on states of recorded paths, where those lead, and the student's step (count,)."""
        with precision(self.device):
            words = self.teacher.words(tokens)
            return self._loss(states, arrived, step * self.teacher.lesson.substeps, words)

    def _loss(self, latents: Tensor, arrived: Tensor, start: Tensor, words: Tensor) -> Tensor:
        """Mean squared error of the student's velocity against the one that leads where the teacher went."""
        wanted = velocity_between(latents, arrived, *self.teacher.ends(start))
        latents = latents.contiguous(memory_format=torch.channels_last)
        guess = self.student(latents, self.teacher.grid[start], words).sample
        return functional.mse_loss(guess.float(), wanted)

    def step(self, loss: Tensor, rate: float) -> Tensor:
        """Take one step of the optimiser down a loss and move the average; return the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
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


def lessons(arguments: argparse.Namespace, distiller: Distiller, clock: Clock) -> Iterator[Tensor]:
    """Yield losses without end: on recorded paths, or on pictures of the training set."""
    run, device = arguments.run, arguments.device
    tokenizer = CLIPTokenizer.from_pretrained(arguments.teacher / "tokenizer")
    if arguments.paths:
        paths = Paths.read(run, arguments.steps, arguments.size, tokenizer)
        print(f"{len(paths.states)} paths", flush=True)
        while True:
            yield distiller.path_loss(*paths.batch(arguments.batch, device))
    pictures = Pictures.of(run, tokenizer, device, {})
    rng = np.random.default_rng([arguments.seed, distiller.steps])
    while True:
        yield distiller.picture_loss(*pictures.batch(rng, arguments.batch, distiller.steps, clock.fraction()))


def train(arguments: argparse.Namespace) -> None:
    """Distil for `--minutes` in all, write the checkpoint and, with `--folder`, the student's model folder."""
    pipeline = StableDiffusionPipeline.from_pretrained(arguments.teacher, torch_dtype=torch.float32)
    torch.manual_seed(arguments.seed)
    lesson = Lesson(arguments.steps, arguments.guidance, arguments.substeps)
    distiller = Distiller(Teacher(pipeline, lesson, arguments.device))
    path = arguments.run / f"student-{lesson.steps}.pt"
    spent = distiller.load(path) if path.exists() else 0.0
    torch.manual_seed(arguments.seed + distiller.steps)
    clock, saved = Clock(arguments.minutes * 60, spent), time.monotonic()
    losses: list[Tensor] = []
    with stop_requests() as stop:
        for loss in lessons(arguments, distiller, clock):
            losses.append(distiller.step(loss, clock.rate(arguments.rate, distiller.steps)))
            if distiller.steps % REPORT == 0:
                mean = torch.stack(losses).mean().item()
                losses.clear()
                print(f"{clock.elapsed():6.0f} s  step {distiller.steps}  loss {mean:.5f}", flush=True)
            if time.monotonic() - saved > 120:
                saved = time.monotonic()
                distiller.save(path, clock.elapsed())
            if clock.fraction() >= 1 or stop:
                break
    distiller.save(path, clock.elapsed())
    if arguments.folder:
        pipeline.to("cpu")
        write_folder(student_pipeline(pipeline, distiller.average), arguments.folder)
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
    parser.add_argument("--paths", action="store_true", help="learn what training.paths recorded")
    parser.add_argument("--size", type=int, default=128, help="of the recorded pictures, pixels a side")
    parser.add_argument("--folder", type=Path, help="write the student here as a model folder at the end")
    train(parse(parser))


if __name__ == "__main__":
    main()
