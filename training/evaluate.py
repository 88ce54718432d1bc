"""Measure a model folder: named colours, materials, the autoencoder and the time of a picture.

    python -m training.evaluate --judge training/runs/judge --json figures.json

Every material in every colour is drawn from `--seeds` seeds with its plainest caption ("a red brick wall").
A colour is right if the palette entry nearest to the picture's median CIELAB colour, lightness counted half
(see training.textures.palette), is the one named. A material is right if a separately trained classifier
names it; as a yardstick the same classifier judges fresh procedural pictures and their reconstructions.
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

from training.sheet import draw
from training.textures.captions import plain_caption
from training.textures.materials import MATERIAL_NAMES
from training.textures.palette import COLOURS, nearest_colour
from training.train_autoencoder import psnr
from training.train_classifier import classify, load_classifier, make_pictures, to_unit

FRESH_SEED = 123


@dataclass(frozen=True)
class Autoencoder:
    """How well pictures survive encoding and decoding; shares are in [0, 1]."""

    psnr_db: float
    classifier_agreement: float
    classifier_on_originals: float


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
    seconds_512: float | None
    threads: int


def load_pipeline(folder: Path) -> StableDiffusionPipeline:
    """Load the model folder in float32 on the processor."""
    pipeline = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
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
        latents = pipeline.vae.encode(part).latent_dist.mode()
        decoded.append(pipeline.vae.decode(latents).sample.clamp(-1, 1))
    copies = torch.cat(decoded)
    before, after = classify(judge, originals), classify(judge, copies)
    agreement = float((before == after).float().mean())
    return Autoencoder(psnr(originals, copies), agreement, float((before == labels).float().mean()))


def measure_time(pipeline: StableDiffusionPipeline, guidance: float) -> float:
    """Return the seconds for one guided 512² picture in 20 steps, the best of two after a warm-up."""
    draw(pipeline, ["a red brick wall"], 512, 2, guidance, 0)
    best = float("inf")
    for seed in range(2):
        start = time.perf_counter()
        draw(pipeline, ["a red brick wall"], 512, 20, guidance, seed)
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
    for row, material in enumerate(MATERIAL_NAMES):
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
        seconds_512=None if arguments.no_timing else measure_time(pipeline, arguments.guidance),
        threads=torch.get_num_threads(),
    )


def as_markdown(figures: Figures) -> str:
    """Return the table for the model card."""
    auto = figures.autoencoder
    timing = "not measured" if figures.seconds_512 is None else f"{figures.seconds_512:.1f} s"
    rows = [
        ("named colour right", f"{figures.colour_right:.1%}"),
        ("material right, by the classifier", f"{figures.material_right:.1%}"),
        ("both right", f"{figures.both_right:.1%}"),
        ("classifier right on procedural originals", f"{auto.classifier_on_originals:.1%}"),
        ("classifier agrees with itself on reconstructions", f"{auto.classifier_agreement:.1%}"),
        ("autoencoder PSNR", f"{auto.psnr_db:.1f} dB"),
        (f"512², 20 guided steps, {figures.threads} threads", timing),
    ]
    head = f"{figures.pictures} pictures of {figures.size}², {figures.steps} steps, guidance {figures.guidance:g}"
    lines = [f"| {head} | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)]
    by_name = [
        "weakest colours: " + ", ".join(f"{n} {v:.0%}" for n, v in list(figures.colour_by_name.items())[:4]),
        "weakest materials: " + ", ".join(f"{n} {v:.0%}" for n, v in list(figures.material_by_name.items())[:5]),
    ]
    return "\n".join([*lines, "", *by_name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("bridge/engine/builtin/bridge-textures"))
    parser.add_argument("--judge", type=Path, required=True, help="run folder of the classifier")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--no-timing", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--threads", type=int, default=2, help="1 where other programs use the cores as well")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    figures = evaluate(load_pipeline(arguments.folder), load_classifier(arguments.judge), arguments)
    print(as_markdown(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(figures), indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
