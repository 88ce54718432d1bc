"""Train the judge: a small network that names the material of a picture, independent of the model it judges.

    python -m training.train_classifier --minutes 5 --run training/runs/judge

It sees freshly made pictures from other seeds than the model's training and shares no weights with it. A fourth of
them show two materials, one on another, so that its two best guesses name both.
"""

import json
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.clock import Clock
from training.machine import options, parse
from training.textures.compose import overlay, plain_overlay, plain_sample, single
from training.textures.materials import MATERIAL_NAMES
from training.textures.overlays import FIRM, LOOSE
from training.textures.palette import COLOURS

SIZE, BATCH, PEAK_RATE = 128, 32, 2e-3
POOL, PAIRS = 6000, 2000
TEST_SEED = 99


def new_classifier() -> nn.Sequential:
    """Return an untrained network from pictures (batch, 3, height, width) in [-1, 1] to material logits."""
    widths = (3, 24, 48, 64, 96)
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [nn.Conv2d(after, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(widths[-1], len(MATERIAL_NAMES))]
    return nn.Sequential(*layers)


def load_classifier(run: Path) -> nn.Sequential:
    """Return the run's trained classifier, ready to use."""
    model = new_classifier()
    model.load_state_dict(torch.load(run / "classifier.pt", map_location="cpu"))
    return model.eval()


def make_pictures(count: int, seed: int, plain: bool) -> tuple[Tensor, Tensor]:
    """Return uint8 pictures (count, 3, SIZE, SIZE) of single materials and the indices of these."""
    rng = np.random.default_rng(seed)
    make = plain_sample if plain else single
    pictures, labels = np.zeros((count, 3, SIZE, SIZE), np.uint8), np.zeros(count, np.int64)
    for index in range(count):
        labels[index] = index % len(MATERIAL_NAMES)
        colour = COLOURS[int(rng.integers(len(COLOURS)))]
        sample = make(rng, SIZE, MATERIAL_NAMES[labels[index]], colour)
        pictures[index] = np.rint(sample.picture * 255).astype(np.uint8).transpose(2, 0, 1)
    return torch.from_numpy(pictures), torch.from_numpy(labels)


def make_pairs(count: int, seed: int, plain: bool) -> tuple[Tensor, Tensor]:
    """Return uint8 pictures (count, 3, SIZE, SIZE) of one material on another, and the indices (count, 2) of both."""
    rng = np.random.default_rng(seed)
    pictures, labels = np.zeros((count, 3, SIZE, SIZE), np.uint8), np.zeros((count, 2), np.int64)
    for index in range(count):
        sample = plain_overlay(rng, SIZE, *random_pair(rng)) if plain else overlay(rng, SIZE)
        labels[index] = [MATERIAL_NAMES.index(name) for name in (sample.material, sample.above)]
        pictures[index] = np.rint(sample.picture * 255).astype(np.uint8).transpose(2, 0, 1)
    return torch.from_numpy(pictures), torch.from_numpy(labels)


def random_pair(rng: np.random.Generator) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return (material, colour) of what lies above and of what lies below, loose on firm and of two colours."""
    colours = rng.choice(COLOURS, 2, replace=False)
    return (str(rng.choice(LOOSE)), str(colours[0])), (str(rng.choice(FIRM)), str(colours[1]))


def to_unit(pictures: Tensor) -> Tensor:
    """Return uint8 pictures as float32 in [-1, 1]."""
    return pictures.float() / 127.5 - 1


@torch.no_grad()
def classify(model: nn.Module, pictures: Tensor) -> Tensor:
    """Return the index of the material seen in each picture (count, 3, height, width) in [-1, 1]."""
    return torch.cat([model(part).argmax(1) for part in pictures.split(32)])


@torch.no_grad()
def sees_both(model: nn.Module, pictures: Tensor, labels: Tensor) -> Tensor:
    """Return (count,) whether the two best guesses for each picture are the materials of `labels` (count, 2)."""
    guesses = torch.cat([model(part).topk(2).indices for part in pictures.split(32)])
    return (guesses.sort(1).values == labels.sort(1).values).all(1)


def lessons(seed: int) -> tuple[Tensor, Tensor]:
    """Return the pictures to learn from, uint8, and the share of each material in them (count, materials)."""
    halves = [make_pictures(POOL // 2, seed + index, plain) for index, plain in enumerate((True, False))]
    halves += [make_pairs(PAIRS // 2, seed + 2 + index, plain) for index, plain in enumerate((True, False))]
    shares = [functional.one_hot(labels.view(len(labels), -1), len(MATERIAL_NAMES)) for _, labels in halves]
    return torch.cat([pictures for pictures, _ in halves]), torch.cat([share.float().mean(1) for share in shares])


def train(run: Path, minutes: float, seed: int, device: torch.device) -> None:
    """Train for `minutes` and write `classifier.pt` with its accuracy on unseen pictures."""
    run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    pictures, shares = (tensor.to(device) for tensor in lessons(seed))
    model = new_classifier().to(device, memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), PEAK_RATE, weight_decay=1e-3)
    clock, step = Clock(minutes * 60), 0
    while clock.fraction() < 1:
        for group in optimiser.param_groups:
            group["lr"] = clock.rate(PEAK_RATE, step)
        index = torch.randint(len(pictures), (BATCH,), device=device)
        batch = to_unit(pictures[index]).contiguous(memory_format=torch.channels_last)
        # Blur and noise as a generated picture may have them; the texture is what counts.
        if torch.rand(1) < 0.3:
            batch = functional.avg_pool2d(batch, 3, stride=1, padding=1, count_include_pad=False)
        batch = batch + 0.1 * torch.rand(1).item() * torch.randn_like(batch)
        loss = functional.cross_entropy(model(batch), shares[index], label_smoothing=0.05)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        step += 1
        if step % 100 == 0:
            print(f"{clock.elapsed():5.0f} s  step {step}  loss {loss.item():.3f}", flush=True)
    finish(model.eval().cpu(), run, step, minutes)


def finish(model: nn.Module, run: Path, step: int, minutes: float) -> None:
    """Write the weights, and how often the classifier is right about fresh pictures."""
    torch.save(model.state_dict(), run / "classifier.pt")
    test, truth = make_pictures(960, TEST_SEED, plain=True)
    accuracy = float((classify(model, to_unit(test)) == truth).float().mean())
    pairs, both = make_pairs(240, TEST_SEED, plain=True)
    pair_accuracy = float(sees_both(model, to_unit(pairs), both).float().mean())
    figures = {"steps": step, "minutes": minutes, "accuracy": accuracy, "pair_accuracy": pair_accuracy}
    (run / "classifier.json").write_text(json.dumps(figures), encoding="utf-8")
    print(f"{time.strftime('%H:%M')} right on unseen pictures {accuracy:.3f}, on pairs {pair_accuracy:.3f}", flush=True)


def main() -> None:
    arguments = parse(options(__doc__, minutes=5, seed=5000))
    train(arguments.run, arguments.minutes, arguments.seed, arguments.device)


if __name__ == "__main__":
    main()
