"""Measure a model folder: named colours, materials, the autoencoder and the time of a picture.

    python -m training.evaluate --judge training/runs/judge --json figures.json

Every material in every colour is drawn from `--seeds` seeds with its plainest caption ("a red brick wall").
A colour is right if the palette entry nearest to the picture's median CIELAB colour, lightness counted half
(see training.textures.palette), is the one named. A material is right if a separately trained classifier
names it; as a yardstick the same classifier judges fresh procedural pictures and their reconstructions.
Pairs ("green moss on grey stone") are right if the classifier's two best guesses are the two materials.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from torch import Tensor, nn

from training.machine import options, parse
from training.sheet import draw
from training.textures.captions import plain_caption, plain_cover_caption
from training.textures.materials import MATERIAL_NAMES
from training.textures.palette import COLOURS, nearest_colour
from training.train_autoencoder import psnr
from training.train_classifier import (
    classify,
    load_classifier,
    make_pairs,
    make_pictures,
    random_pair,
    sees_both,
    to_unit,
)

FRESH_SEED = 123
PAIR_BATCH = 12


@dataclass(frozen=True)
class Autoencoder:
    """How well pictures survive encoding and decoding; shares are in [0, 1]."""

    psnr_db: float
    classifier_agreement: float
    classifier_on_originals: float


@dataclass(frozen=True)
class Pairs:
    """How often both materials of a pair are seen in drawn pictures and, as a yardstick, in procedural ones."""

    pictures: int
    both_seen: float
    both_seen_in_originals: float


@dataclass(frozen=True)
class Figures:
    """All that is measured; shares are in [0, 1], times in seconds."""

    size: int
    steps: int
    guidance: float
    seeds: int
    pictures: int
    colour_right: float
    material_right: float
    both_right: float
    colour_by_name: dict[str, float]
    material_by_name: dict[str, float]
    autoencoder: Autoencoder
    pairs: Pairs
    seconds_256: float | None
    seconds_512: float | None
    threads: int


def load_pipeline(folder: Path, device: torch.device) -> StableDiffusionPipeline:
    """Load the model folder in float32."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32).to(device)
    for network in (pipeline.unet, pipeline.vae):
        network.to(memory_format=torch.channels_last)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@torch.no_grad()
def measure_autoencoder(pipeline: StableDiffusionPipeline, judge: nn.Module, count: int) -> Autoencoder:
    """Encode and decode fresh procedural pictures, and let the judge compare them with the originals."""
    originals, labels = make_pictures(count, FRESH_SEED, plain=True)
    originals = to_unit(originals)
    decoded: list[Tensor] = []
    for part in originals.split(16):
        latents = pipeline.vae.encode(part.to(pipeline.device)).latent_dist.mode()
        decoded.append(pipeline.vae.decode(latents).sample.clamp(-1, 1).cpu())
    copies = torch.cat(decoded)
    before, after = classify(judge, originals), classify(judge, copies)
    agreement = float((before == after).float().mean())
    return Autoencoder(psnr(originals, copies), agreement, float((before == labels).float().mean()))


def measure_pairs(pipeline: StableDiffusionPipeline, judge: nn.Module, arguments: argparse.Namespace) -> Pairs:
    """Draw one material on another, loose on firm, and let the judge say which two it sees."""
    rng = np.random.default_rng(FRESH_SEED)
    asked = [random_pair(rng) for _ in range(arguments.pairs)]
    labels = torch.tensor([[MATERIAL_NAMES.index(name) for name, _ in pair] for pair in asked])
    drawn = []
    for first in range(0, len(asked), PAIR_BATCH):
        prompts = [plain_cover_caption(*above, *below) for above, below in asked[first : first + PAIR_BATCH]]
        drawn.append(draw(pipeline, prompts, arguments.size, arguments.steps, arguments.guidance, 9000 + first))
    pictures = torch.from_numpy(np.concatenate(drawn)).permute(0, 3, 1, 2) * 2 - 1
    originals, truth = make_pairs(len(asked), FRESH_SEED, plain=True)
    return Pairs(
        pictures=len(asked),
        both_seen=float(sees_both(judge, pictures, labels).float().mean()),
        both_seen_in_originals=float(sees_both(judge, to_unit(originals), truth).float().mean()),
    )


def measure_time(pipeline: StableDiffusionPipeline, size: int, arguments: argparse.Namespace) -> float:
    """Return the seconds for one picture of `size` pixels, the best of three after a warm-up."""
    draw(pipeline, ["a red brick wall"], size, 2, arguments.guidance, 0)
    best = float("inf")
    for seed in range(3):
        start = time.perf_counter()
        draw(pipeline, ["a red brick wall"], size, arguments.steps, arguments.guidance, seed)
        best = min(best, time.perf_counter() - start)
    return best


def share_by_name(names: list[str], right: list[bool]) -> dict[str, float]:
    """Return the share of right answers for each name, worst first."""
    totals: dict[str, list[bool]] = {}
    for name, value in zip(names, right, strict=True):
        totals.setdefault(name, []).append(value)
    return dict(sorted(((name, float(np.mean(values))) for name, values in totals.items()), key=lambda item: item[1]))


def evaluate(pipeline: StableDiffusionPipeline, judge: nn.Module, arguments: argparse.Namespace) -> Figures:
    """Draw and judge every material × colour × seed, then measure the autoencoder and the time."""
    materials, colours, colour_right, material_right = [], [], [], []
    for row, material in enumerate(MATERIAL_NAMES[: arguments.materials]):
        for seed in range(arguments.seeds):
            prompts = [plain_caption(material, colour) for colour in COLOURS]
            first = 1000 * seed + len(COLOURS) * row
            pictures = draw(pipeline, prompts, arguments.size, arguments.steps, arguments.guidance, first)
            seen = classify(judge, torch.from_numpy(pictures).permute(0, 3, 1, 2) * 2 - 1)
            material_right += [int(index) == row for index in seen]
            pairs = zip(pictures, COLOURS, strict=True)
            colour_right += [nearest_colour(picture) == colour for picture, colour in pairs]
            materials += [material] * len(COLOURS)
            colours += COLOURS
    both = [a and b for a, b in zip(colour_right, material_right, strict=True)]
    return Figures(
        size=arguments.size,
        steps=arguments.steps,
        guidance=arguments.guidance,
        seeds=arguments.seeds,
        pictures=len(both),
        colour_right=float(np.mean(colour_right)),
        material_right=float(np.mean(material_right)),
        both_right=float(np.mean(both)),
        colour_by_name=share_by_name(colours, colour_right),
        material_by_name=share_by_name(materials, material_right),
        autoencoder=measure_autoencoder(pipeline, judge, 480),
        pairs=measure_pairs(pipeline, judge, arguments),
        seconds_256=None if arguments.no_timing else measure_time(pipeline, 256, arguments),
        seconds_512=None if arguments.no_timing else measure_time(pipeline, 512, arguments),
        threads=torch.get_num_threads(),
    )


def as_markdown(figures: Figures) -> str:
    """Return the table for the model card."""
    auto = figures.autoencoder
    timings = [
        (f"{size}² in {figures.steps} steps, {figures.threads} threads", f"{seconds:.2f} s")
        for size, seconds in ((256, figures.seconds_256), (512, figures.seconds_512))
        if seconds is not None
    ]
    rows = [
        ("named colour right", f"{figures.colour_right:.1%}"),
        ("material right, by the classifier", f"{figures.material_right:.1%}"),
        ("both right", f"{figures.both_right:.1%}"),
        ("classifier right on procedural originals", f"{auto.classifier_on_originals:.1%}"),
        ("classifier agrees with itself on reconstructions", f"{auto.classifier_agreement:.1%}"),
        ("autoencoder PSNR", f"{auto.psnr_db:.1f} dB"),
        ("both materials of a pair seen", f"{figures.pairs.both_seen:.1%}"),
        ("likewise in procedural originals", f"{figures.pairs.both_seen_in_originals:.1%}"),
        *timings,
    ]
    head = f"{figures.pictures} pictures of {figures.size}², {figures.steps} steps, guidance {figures.guidance:g}"
    lines = [f"| {head} | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
    by_name = [
        "weakest colours: " + ", ".join(f"{n} {v:.0%}" for n, v in list(figures.colour_by_name.items())[:4]),
        "weakest materials: " + ", ".join(f"{n} {v:.0%}" for n, v in list(figures.material_by_name.items())[:5]),
    ]
    return "\n".join([*lines, "", *by_name])


def main() -> None:
    parser = options(__doc__, run=False)
    parser.add_argument("--folder", type=Path, default=Path("bridge/engine/builtin/bridge-textures"))
    parser.add_argument("--judge", type=Path, required=True, help="run folder of the classifier")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--pairs", type=int, default=240, help="pictures of two materials")
    parser.add_argument("--materials", type=int, help="only the first so many: 16 are the first edition's")
    parser.add_argument("--no-timing", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parse(parser)
    figures = evaluate(load_pipeline(arguments.folder, arguments.device), load_classifier(arguments.judge), arguments)
    print(as_markdown(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(figures), indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
