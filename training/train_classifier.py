"""Train the judge: a small network that names the material of a picture, independent of the model it judges.

    python -m training.train_classifier --minutes 5 --run training/runs/judge

It sees freshly made pictures from other seeds than the model's training and shares no weights with it.
"""

import argparse
import json
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.clock import Clock
from training.textures.compose import plain_sample, single
from training.textures.materials import MATERIAL_NAMES
from training.textures.palette import COLOURS

SIZE, BATCH, PEAK_RATE = 128, 32, 2e-3
POOL = 6000
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
    model.load_state_dict(torch.load(run / "classifier.pt"))
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


def to_unit(pictures: Tensor) -> Tensor:
    """Return uint8 pictures as float32 in [-1, 1]."""
    return pictures.float() / 127.5 - 1


@torch.no_grad()
def classify(model: nn.Module, pictures: Tensor) -> Tensor:
    """Return the index of the material seen in each picture (count, 3, height, width) in [-1, 1]."""
    return torch.cat([model(part).argmax(1) for part in pictures.split(32)])


def train(run: Path, minutes: float, seed: int) -> None:
    """Train for `minutes` and write `classifier.pt` with its accuracy on unseen pictures."""
    run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    halves = [make_pictures(POOL // 2, seed + index, plain) for index, plain in enumerate((True, False))]
    pictures, labels = (torch.cat(parts) for parts in zip(*halves, strict=True))
    model = new_classifier().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), PEAK_RATE, weight_decay=1e-3)
    clock, step = Clock(minutes * 60), 0
    while clock.fraction() < 1:
        for group in optimiser.param_groups:
            group["lr"] = clock.rate(PEAK_RATE, step)
        index = torch.randint(len(pictures), (BATCH,))
        batch = to_unit(pictures[index]).contiguous(memory_format=torch.channels_last)
        # Blur and noise as a generated picture may have them; the texture is what counts.
        if torch.rand(1) < 0.3:
            batch = functional.avg_pool2d(batch, 3, stride=1, padding=1, count_include_pad=False)
        batch = batch + 0.1 * torch.rand(1) * torch.randn_like(batch)
        loss = functional.cross_entropy(model(batch), labels[index], label_smoothing=0.05)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        step += 1
        if step % 100 == 0:
            print(f"{clock.elapsed():5.0f} s  step {step}  loss {loss.item():.3f}", flush=True)
    model.eval()
    torch.save(model.state_dict(), run / "classifier.pt")
    test, truth = make_pictures(960, TEST_SEED, plain=True)
    accuracy = float((classify(model, to_unit(test)) == truth).float().mean())
    figures = {"steps": step, "minutes": minutes, "accuracy": accuracy}
    (run / "classifier.json").write_text(json.dumps(figures), encoding="utf-8")
    print(f"{time.strftime('%H:%M')} accuracy on unseen pictures {accuracy:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=2, help="1 where other programs use the cores as well")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train(arguments.run, arguments.minutes, arguments.seed)


if __name__ == "__main__":
    main()
