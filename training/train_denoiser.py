"""Train the denoiser together with its text encoder on encoded pictures.

    python -m training.train_denoiser --minutes 60 --run training/runs/a
    python -m training.train_denoiser --minutes 60 --run training/runs/b --start MODEL --rate 4e-4

It starts from the text encoder of `text-encoder.pt` (see training.train_text_encoder) and, with `--start`, from the
U-Net of a model folder; it resumes from `denoiser.pt`. Ctrl-C or SIGTERM writes that checkpoint and ends.
`--show leaves=4 stone=2` draws the pictures of weak materials more often.
Small pictures (128 pixels) carry most of the training; in its last part some batches are larger ones,
where the run has them encoded, so that large pictures hold together.
"""

import argparse
import math
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTokenizer

from training.clock import Clock
from training.encode import load_latents
from training.machine import options, parse, precision
from training.networks import new_denoiser, new_scheduler, new_text_encoder
from training.textures.captions import MATERIAL_WORDS

PEAK_RATE = 8e-4
BATCH = 32
LARGE_SIZE = 256
#: Large pictures are 1 batch in 4 after this part of the time, in windows of this many latents a side.
LARGE_FROM, LARGE_EVERY, LARGE_WINDOWS = 0.55, 4, (48, 64)
CAPTION_DROP = 0.1
AVERAGE = 0.999
#: Steps between two lines of the log.
REPORT = 50


@dataclass(frozen=True)
class Latents:
    """Encoded pictures (count, 4, side, side), the tokens of their captions (count, 77), how often to draw each."""

    values: Tensor
    tokens: Tensor
    shown: Tensor

    def to(self, device: torch.device) -> "Latents":
        """Return the same on another device: all of it takes a few hundred MiB."""
        return Latents(self.values.to(device), self.tokens.to(device), self.shown.to(device))

    def batch(self, count: int, window: int) -> tuple[Tensor, Tensor]:
        """Return random latents (count, 4, window, window), cut at one random place, and their tokens."""
        index = torch.multinomial(self.shown, count, replacement=True)
        room = self.values.shape[-1] - window
        top, left = torch.randint(room + 1, (2,)).tolist()
        return self.values[index, :, top : top + window, left : left + window].float(), self.tokens[index]


def how_often(captions: list[str], shown: Mapping[str, float]) -> Tensor:
    """Return how often to draw each caption's picture, float32 (count,): the largest factor it names, else 1."""
    named = {material: re.compile(rf"\b({'|'.join(map(re.escape, MATERIAL_WORDS[material]))})\b") for material in shown}
    factors = [
        max((shown[material] for material, words in named.items() if words.search(caption)), default=1.0)
        for caption in captions
    ]
    return torch.tensor(factors, dtype=torch.float32)


def read_latents(run: Path, size: int, tokenizer: CLIPTokenizer, shown: Mapping[str, float]) -> Latents:
    """Read the run's encoded pictures of one size; none at all gives empty tensors."""
    if not list(run.glob(f"latents-{size}-*")):
        nothing = torch.zeros(0, 4, size // 4, size // 4), torch.zeros(0, tokenizer.model_max_length), torch.zeros(0)
        return Latents(*nothing)
    values, captions = load_latents(run, size)
    return Latents(torch.from_numpy(values), tokenise(tokenizer, captions), how_often(captions, shown))


@dataclass(frozen=True)
class Pictures:
    """All that a run trains on: small pictures and, where it has them, large ones."""

    small: Latents
    large: Latents | None

    @classmethod
    def of(cls, run: Path, tokenizer: CLIPTokenizer, device: torch.device, shown: Mapping[str, float]) -> "Pictures":
        """Read the run's encoded pictures onto a device; those of the materials in `shown` are drawn more often."""
        small, large = (read_latents(run, size, tokenizer, shown).to(device) for size in (128, LARGE_SIZE))
        return cls(small, large if len(large.values) else None)

    def batch(self, rng: np.random.Generator, count: int, step: int, fraction: float) -> tuple[Tensor, Tensor]:
        """Return latents and tokens of `count` small pictures, or of fewer large ones where their turn has come.

        `fraction` is the part of the training that is over, in [0, 1].
        """
        if self.large is None or fraction < LARGE_FROM or step % LARGE_EVERY:
            return self.small.batch(count, 32)
        window = int(rng.choice(LARGE_WINDOWS))
        return self.large.batch(max(4, count * 32**2 // window**2), window)


def tokenise(tokenizer: CLIPTokenizer, captions: list[str]) -> Tensor:
    """Return token ids (count, 77), padded as the pipeline pads them."""
    length = tokenizer.model_max_length
    rows = tokenizer(captions, padding="max_length", max_length=length, truncation=True)
    return torch.tensor(rows.input_ids)


def moving_average(average: dict[str, Tensor], current: dict[str, Tensor], step: int) -> None:
    """Move `average` towards the `current` weights, in place; fast at first, when there is little to average."""
    decay = min(AVERAGE, (1 + step) / (10 + step))
    floats = [name for name, value in average.items() if value.is_floating_point()]
    with torch.no_grad():
        torch._foreach_lerp_([average[name] for name in floats], [current[name] for name in floats], 1 - decay)


class Trainer:
    """The networks, their running averages and the optimiser; one call of `step` is one update."""

    def __init__(self, tokenizer: CLIPTokenizer, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.networks = nn.ModuleDict({"text": new_text_encoder(tokenizer), "unet": new_denoiser()})
        self.networks.to(self.device, memory_format=torch.channels_last).train()
        self.average = {name: value.clone() for name, value in self.networks.state_dict().items()}
        self.optimiser = torch.optim.AdamW(
            self.networks.parameters(), PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-3, foreach=True
        )
        self.alphas = new_scheduler().alphas_cumprod.to(self.device)
        self.empty = tokenise(tokenizer, [""])[0].to(self.device)
        self.steps = 0

    def loss(self, latents: Tensor, tokens: Tensor) -> Tensor:
        """Return the mean squared error of the predicted velocity, captions dropped now and then."""
        count, device = len(latents), self.device
        # One time step from each of `count` equal parts: less variance than independent ones.
        times = (
            (torch.arange(count, device=device) + torch.rand(count, device=device)) * (len(self.alphas) / count)
        ).long()
        alpha = self.alphas[times].sqrt()[:, None, None, None]
        sigma = (1 - self.alphas[times]).sqrt()[:, None, None, None]
        noise = torch.randn_like(latents)
        tokens = torch.where((torch.rand(count, device=device) < CAPTION_DROP)[:, None], self.empty, tokens)
        noisy = (alpha * latents + sigma * noise).contiguous(memory_format=torch.channels_last)
        with precision(device):
            context = self.networks["text"](tokens).last_hidden_state
            velocity = self.networks["unet"](noisy, times, context).sample
        return functional.mse_loss(velocity.float(), alpha * noise - sigma * latents)

    def step(self, latents: Tensor, tokens: Tensor, rate: float) -> Tensor:
        """Take one step of the optimiser and move the averages; return the loss, on the trainer's device."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self.loss(latents, tokens)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.networks.parameters(), 1.0)
        self.optimiser.step()
        self.steps += 1
        moving_average(self.average, self.networks.state_dict(), self.steps)
        return loss.detach()

    def save(self, path: Path, spent: float) -> None:
        """Write everything that resuming or exporting needs; `spent` is in seconds."""
        state = {"networks": self.networks.state_dict(), "average": self.average, "steps": self.steps, "spent": spent}
        partial = path.with_suffix(".partial")
        torch.save({**state, "optimiser": self.optimiser.state_dict()}, partial)
        partial.replace(path)

    def begin(self, run: Path, start: Path | None) -> float:
        """Start from the run's taught text encoder and a model folder's U-Net, as far as there are such."""
        if start:
            unet = UNet2DConditionModel.from_pretrained(start / "unet", torch_dtype=torch.float32)
            self.networks["unet"].load_state_dict(unet.state_dict())
        text = run / "text-encoder.pt"
        if text.exists():
            self.networks["text"].load_state_dict(torch.load(text))
        for name, value in self.networks.state_dict().items():
            self.average[name].copy_(value)
        return 0.0

    def load(self, path: Path) -> float:
        """Read what `save` wrote and return the seconds spent."""
        state = torch.load(path, map_location=self.device)
        self.networks.load_state_dict(state["networks"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average, self.steps = state["average"], state["steps"]
        return state["spent"]


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Yield a list that fills with the signals that asked the process to end."""
    received: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, remember) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class Plan:
    """How long to train and how: `rate` is the peak learning rate, `batch` a number of small pictures.

    `shown` tells how much more often than others the pictures of a material are drawn.
    """

    minutes: float
    seed: int
    rate: float = PEAK_RATE
    batch: int = BATCH
    start: Path | None = None
    shown: Mapping[str, float] = field(default_factory=dict)


def train(run: Path, plan: Plan, device: torch.device) -> None:
    """Train for the plan's minutes in all, earlier parts of the same run included."""
    tokenizer = CLIPTokenizer.from_pretrained(run / "tokenizer")
    pictures = Pictures.of(run, tokenizer, device, plan.shown)
    torch.manual_seed(plan.seed)
    trainer, path = Trainer(tokenizer, device), run / "denoiser.pt"
    spent = trainer.load(path) if path.exists() else trainer.begin(run, plan.start)
    torch.manual_seed(plan.seed + trainer.steps)
    rng = np.random.default_rng([plan.seed, trainer.steps])
    clock, saved = Clock(plan.minutes * 60, spent), time.monotonic()
    print(f"{len(pictures.small.values)} small pictures; from step {trainer.steps}", flush=True)
    losses: list[Tensor] = []
    with stop_requests() as stop:
        while clock.fraction() < 1 and not stop:
            latents, tokens = pictures.batch(rng, plan.batch, trainer.steps, clock.fraction())
            losses.append(trainer.step(latents, tokens, clock.rate(plan.rate, trainer.steps, warmup=300)))
            if trainer.steps % REPORT == 0:
                loss = torch.stack(losses).mean().item()
                losses.clear()
                print(f"{clock.elapsed():6.0f} s  step {trainer.steps}  loss {loss:.4f}", flush=True)
            if time.monotonic() - saved > 120:
                saved = time.monotonic()
                trainer.save(path, clock.elapsed())
    trainer.save(path, clock.elapsed())


def factor(text: str) -> tuple[str, float]:
    """Read `leaves=4`. Raises argparse.ArgumentTypeError for an unknown material or no positive number."""
    material, _, number = text.rpartition("=")
    if material not in MATERIAL_WORDS:
        raise argparse.ArgumentTypeError(f"{material!r} is none of {', '.join(MATERIAL_WORDS)}")
    try:
        value = float(number)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{number!r} is not a positive number")
    return material, value


def add_show(parser: argparse.ArgumentParser) -> None:
    """Add the option that shows materials more often."""
    parser.add_argument(
        "--show", type=factor, nargs="*", default=(), metavar="MATERIAL=FACTOR", help="show this material more often"
    )


def main() -> None:
    parser = options(__doc__, minutes=60, seed=1)
    parser.add_argument("--start", type=Path, help="model folder whose U-Net to go on from")
    parser.add_argument("--rate", type=float, default=PEAK_RATE, help="peak learning rate")
    parser.add_argument("--batch", type=int, default=BATCH, help="pictures of 128 pixels in a step")
    add_show(parser)
    arguments = parse(parser)
    shown = dict(arguments.show)
    plan = Plan(arguments.minutes, arguments.seed, arguments.rate, arguments.batch, arguments.start, shown)
    train(arguments.run, plan, arguments.device)


if __name__ == "__main__":
    main()
