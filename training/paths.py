"""Record the ways that a guided teacher goes from noise to pictures, for a student to learn them by heart.

    python -m training.paths --run training/runs/b --teacher MODEL --steps 4 --guidance 3 --substeps 3 --count 4000

A student that is taught on noised pictures of the training set (see training.distil) never sees where guidance leads:
away from them. What is recorded here are the very states that it has to go through, and they can be learned from again
and again, while the teacher is asked once (Luhman and Luhman, "Knowledge Distillation in Iterative Generative Models",
2021, for single steps). `path-4-128-00000.npy` is float16 (count, steps + 1, 4, side, side), from noise to picture; its
captions lie beside it. Parts that are there already are kept, and `--minutes` ends it early.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from torch import Tensor
from transformers import CLIPTokenizer

from training.lesson import Lesson, Teacher
from training.machine import options, parse, precision
from training.pool import open_pool
from training.train_denoiser import add_show, how_often, tokenise

#: Paths in a file.
PART = 128


@dataclass(frozen=True)
class Paths:
    """Recorded ways (count, steps + 1, 4, side, side), float16, and the tokens of their captions (count, 77)."""

    states: Tensor
    tokens: Tensor

    @classmethod
    def read(cls, run: Path, steps: int, size: int, tokenizer: CLIPTokenizer) -> "Paths":
        """Read all that the run has for students of so many steps.

        Raises:
            FileNotFoundError: it has none.
        """
        files = sorted(run.glob(f"path-{steps}-{size}-*.npy"))
        if not files:
            raise FileNotFoundError(f"no path-{steps}-{size}-*.npy in {run}: run training.paths first")
        captions = [text for file in files for text in json.loads(file.with_suffix(".json").read_text("utf-8"))]
        states = torch.from_numpy(np.concatenate([np.load(file) for file in files]))
        return cls(states, tokenise(tokenizer, captions))

    def batch(self, count: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return random states, those that come next, the number of the step (count,) and the tokens."""
        index = torch.randint(len(self.states), (count,))
        step = torch.randint(self.states.shape[1] - 1, (count,))
        parts = self.states[index, step].float(), self.states[index, step + 1].float(), step, self.tokens[index]
        state, following, step, tokens = (part.to(device) for part in parts)
        return state, following, step, tokens


@torch.no_grad()
def walk(teacher: Teacher, tokens: Tensor, side: int) -> Iterator[Tensor]:
    """Yield the latents (count, 4, side, side) from which each step of the student starts, and the picture's."""
    with precision(teacher.device):
        words = teacher.words(tokens)
        latents = torch.randn(len(tokens), 4, side, side, device=teacher.device)
        yield latents
        for step in range(teacher.lesson.steps):
            start = torch.full((len(tokens),), step * teacher.lesson.substeps, device=teacher.device)
            latents = teacher.target(latents, start, words)
            yield latents


def last_part(run: Path, steps: int, size: int, count: int) -> Path:
    """Return the file of the last part, which is there when all are."""
    return run / f"path-{steps}-{size}-{(count - 1) // PART * PART:05d}.npy"


def record(arguments: argparse.Namespace) -> None:
    """Write part after part, as far as `--count` and `--minutes` go."""
    device, run, size = arguments.device, arguments.run, arguments.size
    pipeline = StableDiffusionPipeline.from_pretrained(arguments.teacher, torch_dtype=torch.float32)
    teacher = Teacher(pipeline, Lesson(arguments.steps, arguments.guidance, arguments.substeps), device)
    captions, end = open_pool(run, size).captions, time.monotonic() + 60 * arguments.minutes
    shown = how_often(captions, dict(arguments.show)).numpy().astype(float)
    for first in range(0, arguments.count, PART):
        file = run / f"path-{arguments.steps}-{size}-{first:05d}.npy"
        if file.exists() or time.monotonic() > end:
            continue
        torch.manual_seed(arguments.seed + first)
        rng = np.random.default_rng([arguments.seed, first])
        chosen = [captions[index] for index in rng.choice(len(captions), size=PART, p=shown / shown.sum())]
        ways = [
            torch.stack(list(walk(teacher, part.to(device), size // 4)), 1).half().cpu()
            for part in tokenise(pipeline.tokenizer, chosen).split(arguments.batch)
        ]
        file.with_suffix(".json").write_text(json.dumps(chosen), encoding="utf-8")
        np.save(file, torch.cat(ways).numpy())
        print(f"{first + PART} of {arguments.count}", flush=True)


def main() -> None:
    parser = options(__doc__, minutes=1e6, seed=5)
    parser.add_argument("--teacher", type=Path, required=True, help="model folder whose ways are recorded")
    parser.add_argument("--steps", type=int, default=4, help="steps that the student is to take")
    parser.add_argument("--guidance", type=float, default=3.0, help="guidance of the teacher; 1 for none")
    parser.add_argument("--substeps", type=int, default=3, help="steps of the teacher for one of the student")
    parser.add_argument("--size", type=int, default=128, help="pixels a side")
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=16, help="how many are walked together")
    add_show(parser)
    record(parse(parser))


if __name__ == "__main__":
    main()
