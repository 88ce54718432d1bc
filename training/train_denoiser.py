"""Train the denoiser together with its text encoder on encoded pictures.

    python -m training.train_denoiser --minutes 60 --run training/runs/a

It starts from `text-encoder.pt` (see training.train_text_encoder), and from the U-Net of `denoiser-before.pt`
if there is one, and resumes from `denoiser.pt`. Ctrl-C or SIGTERM writes that checkpoint and ends.
Small pictures (128 pixels) carry most of the training; in its last part some batches are larger ones,
where the run has them encoded, so that large pictures hold together.
"""

import argparse
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPTokenizer

from training.clock import Clock
from training.encode import load_latents
from training.networks import new_denoiser, new_scheduler, new_text_encoder

PEAK_RATE = 8e-4
BATCH = 32
LARGE_SIZE = 256
#: Large pictures are 1 batch in 4 after this part of the time, in windows of this many latents a side.
LARGE_FROM, LARGE_EVERY, LARGE_WINDOWS = 0.55, 4, (48, 64)
CAPTION_DROP = 0.1
AVERAGE = 0.999


@dataclass(frozen=True)
class Latents:
    """Encoded pictures (count, 4, side, side) and the tokens of their captions (count, 77)."""

    values: Tensor
    tokens: Tensor

    def batch(self, count: int, window: int) -> tuple[Tensor, Tensor]:
        """Return random latents (count, 4, window, window), cut at one random place, and their tokens."""
        index = torch.randint(len(self.values), (count,))
        room = self.values.shape[-1] - window
        top, left = torch.randint(room + 1, (2,)).tolist()
        return self.values[index, :, top : top + window, left : left + window].float(), self.tokens[index]


def read_latents(run: Path, size: int, tokenizer: CLIPTokenizer) -> Latents:
    """Read the run's encoded pictures of one size; none at all gives empty tensors."""
    values, captions = load_latents(run, size)
    tokens = tokenise(tokenizer, captions) if captions else torch.zeros(0, tokenizer.model_max_length)
    return Latents(torch.from_numpy(values), tokens)


def tokenise(tokenizer: CLIPTokenizer, captions: list[str]) -> Tensor:
    """Return token ids (count, 77), padded as the pipeline pads them."""
    length = tokenizer.model_max_length
    rows = tokenizer(captions, padding="max_length", max_length=length, truncation=True)
    return torch.tensor(rows.input_ids)


class Trainer:
    """The networks, their running averages and the optimiser; one call of `step` is one update."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        self.networks = nn.ModuleDict({"text": new_text_encoder(tokenizer), "unet": new_denoiser()})
        self.networks.to(memory_format=torch.channels_last).train()
        self.average = {name: value.clone() for name, value in self.networks.state_dict().items()}
        self.optimiser = torch.optim.AdamW(
            self.networks.parameters(), PEAK_RATE, betas=(0.9, 0.99), weight_decay=1e-3, foreach=True
        )
        self.alphas = new_scheduler().alphas_cumprod
        self.empty = tokenise(tokenizer, [""])[0]
        self.steps = 0

    def loss(self, latents: Tensor, tokens: Tensor) -> Tensor:
        """Return the mean squared error of the predicted velocity, captions dropped now and then."""
        count = len(latents)
        # One time step from each of `count` equal parts: less variance than independent ones.
        times = ((torch.arange(count) + torch.rand(count)) * (len(self.alphas) / count)).long()
        alpha = self.alphas[times].sqrt()[:, None, None, None]
        sigma = (1 - self.alphas[times]).sqrt()[:, None, None, None]
        noise = torch.randn_like(latents)
        tokens = torch.where((torch.rand(count) < CAPTION_DROP)[:, None], self.empty, tokens)
        context = self.networks["text"](tokens).last_hidden_state
        noisy = (alpha * latents + sigma * noise).contiguous(memory_format=torch.channels_last)
        velocity = self.networks["unet"](noisy, times, context).sample
        return functional.mse_loss(velocity, alpha * noise - sigma * latents)

    def step(self, latents: Tensor, tokens: Tensor, rate: float) -> float:
        """Take one step of the optimiser and move the averages; return the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self.loss(latents, tokens)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.networks.parameters(), 1.0)
        self.optimiser.step()
        self.steps += 1
        decay = min(AVERAGE, (1 + self.steps) / (10 + self.steps))
        current = self.networks.state_dict()
        floats = [name for name, value in self.average.items() if value.is_floating_point()]
        with torch.no_grad():
            torch._foreach_lerp_([self.average[n] for n in floats], [current[n] for n in floats], 1 - decay)
        return loss.item()

    def save(self, path: Path, spent: float) -> None:
        """Write everything that resuming or exporting needs; `spent` is in seconds."""
        state = {"networks": self.networks.state_dict(), "average": self.average, "steps": self.steps, "spent": spent}
        partial = path.with_suffix(".partial")
        torch.save({**state, "optimiser": self.optimiser.state_dict()}, partial)
        partial.replace(path)

    def begin(self, run: Path) -> float:
        """Start from the taught text encoder, and the U-Net of an earlier run, where the run has them."""
        text, earlier = run / "text-encoder.pt", run / "denoiser-before.pt"
        if earlier.exists():
            self.networks.load_state_dict(torch.load(earlier)["networks"])
        if text.exists():
            self.networks["text"].load_state_dict(torch.load(text))
        for name, value in self.networks.state_dict().items():
            self.average[name].copy_(value)
        return 0.0

    def load(self, path: Path) -> float:
        """Read what `save` wrote and return the seconds spent."""
        state = torch.load(path)
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


def train(run: Path, minutes: float, seed: int) -> None:
    """Train for `minutes` in all, earlier parts of the same run included."""
    tokenizer = CLIPTokenizer.from_pretrained(run / "tokenizer")
    small = read_latents(run, 128, tokenizer)
    large = read_latents(run, LARGE_SIZE, tokenizer) if list(run.glob(f"latents-{LARGE_SIZE}-*")) else small
    torch.manual_seed(seed)
    trainer, path = Trainer(tokenizer), run / "denoiser.pt"
    spent = trainer.load(path) if path.exists() else trainer.begin(run)
    torch.manual_seed(seed + trainer.steps)
    rng = np.random.default_rng([seed, trainer.steps])
    clock, saved, running = Clock(minutes * 60, spent), time.monotonic(), 1.0
    print(f"{len(small.values)} small, {len(large.values)} large pictures; from step {trainer.steps}", flush=True)
    with stop_requests() as stop:
        while clock.fraction() < 1 and not stop:
            use_large = large is not small and clock.fraction() > LARGE_FROM and trainer.steps % LARGE_EVERY == 0
            window = int(rng.choice(LARGE_WINDOWS)) if use_large else 32
            count = max(4, BATCH * 32**2 // window**2)
            latents, tokens = (large if use_large else small).batch(count, window)
            loss = trainer.step(latents, tokens, clock.rate(PEAK_RATE, trainer.steps, warmup=300))
            running += 0.02 * (loss - running)
            if trainer.steps % 100 == 0:
                print(f"{clock.elapsed():6.0f} s  step {trainer.steps}  loss {running:.4f}", flush=True)
            if time.monotonic() - saved > 240:
                saved = time.monotonic()
                trainer.save(path, clock.elapsed())
    trainer.save(path, clock.elapsed())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="1 where other programs use the cores as well")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(arguments.run, arguments.minutes, arguments.seed)


if __name__ == "__main__":
    main()
