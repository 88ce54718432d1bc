"""What the pictures are worth, in numbers: the engine beside plain diffusers, on the same model and pictures.

    python -m benchmarks.quality [--model FOLDER] [--side 384] [--steps 20] [--sheet FILE.jpg] [--json FILE]

Photographs are scikit-image's bundled ones (all free); textures that go on are drawn by `training/textures`. The plain
side is what a script would write: the family's own inpaint, image-to-image and text-to-image pipelines.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import numpy.typing as npt
import skimage.data
import skimage.transform
import torch
from diffusers import AutoPipelineForImage2Image, AutoPipelineForInpainting, AutoPipelineForText2Image
from PIL import Image
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.measures import tile_border_ratio, wrap_discontinuity_ratio
from benchmarks.seams import changed_bits, ring_shift, seam_ratio
from bridge.daemon.catalogue import read_folder
from bridge.daemon.config import BUILTIN_MODELS
from bridge.engine.cancellation import AbortFlag
from bridge.engine.conversion import channels_of
from bridge.engine.device import choose_device
from bridge.engine.models.shelf import ModelShelf
from bridge.engine.quiet import quieten_libraries
from bridge.engine.runner import Runner
from bridge.protocol.engine_link import Ended, LinkMessage, ModelSource, Produced, Run
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Generation, ImageToImage, Inpaint, Layer, TextToImage, Upscale
from training.textures.compose import plain_sample

Pixels = npt.NDArray[np.uint8]
PHOTOGRAPHS = {"coffee": "brown wood", "chelsea": "orange fabric", "rocket": "blue clouds", "astronaut": "grey fabric"}
TEXTURES = (("stone", "grey"), ("grass", "green"), ("sand", "yellow"), ("moss", "green"), ("marble", "blue"))
WRAP_SEEDS = (1, 2, 3)
"""The figure of a single wrap is one column against the median of all: 0.6 to 1.7 by chance alone."""


@dataclass
class Row:
    """One line of the table: a figure of either side and what is to be reached."""

    name: str
    target: str
    ours: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)

    def median(self, side: str) -> float | None:
        """The median of a side; None where it has no such figure."""
        values = self.ours if side == "ours" else self.plain
        return statistics.median(values) if values else None

    def shown(self, side: str) -> str:
        """That median for people."""
        value = self.median(side)
        return "-" if value is None else f"{value:,.2f}"


class Engine:
    """Our side: an engine without its process."""

    def __init__(self, folder: Path) -> None:
        self.source: ModelSource = read_folder(folder).source
        self._device = choose_device("cpu")
        self._shelf = ModelShelf(self._device)

    def layers(self, task: Generation, preview_side: int = 0, source: ModelSource | None = None) -> list[Layer]:
        """Run a job and return its images."""
        said: list[LinkMessage] = []
        run = Run(job_id="a", task=task, model=source or self.source, preview_side=preview_side)
        Runner(self._device, self._shelf, said.append).run(run, AbortFlag())
        ended = said[-1]
        if not isinstance(ended, Ended) or ended.error is not None:
            raise SystemExit(f"the engine failed: {ended}")
        return [message.layer for message in said if isinstance(message, Produced)]

    def pixels(self, task: Generation, **how: Any) -> Pixels:
        """The channels of the only image."""
        return np.asarray(channels_of(self.layers(task, **how)[0].picture))


class Plain:
    """The other side: pipelines as their documentation calls them."""

    def __init__(self, folder: Path, steps: int, guidance: float) -> None:
        self._text: Any = AutoPipelineForText2Image.from_pretrained(folder, dtype=torch.float32)
        self._image: Any = AutoPipelineForImage2Image.from_pipe(self._text)
        self._inpaint: Any = AutoPipelineForInpainting.from_pipe(self._text)
        self._common = {"num_inference_steps": steps, "guidance_scale": guidance}
        for pipe in (self._text, self._image, self._inpaint):
            pipe.set_progress_bar_config(disable=True)

    def _call(self, pipe: Any, seed: int = 1, **arguments: Any) -> Pixels:
        images = pipe(**arguments, **self._common, generator=torch.Generator().manual_seed(seed)).images
        return np.asarray(images[0])

    def generate(self, prompt: str, side: int, seed: int) -> Pixels:
        """A square picture."""
        return self._call(self._text, seed, prompt=prompt, width=side, height=side)

    def edit(self, picture: Pixels, prompt: str, strength: float) -> Pixels:
        """Image-to-image."""
        return self._call(self._image, prompt=prompt, image=Image.fromarray(picture), strength=strength)

    def inpaint(self, picture: Pixels, mask: Pixels, prompt: str) -> Pixels:
        """Inpaint, the mask as hard or soft as it is."""
        height, width = mask.shape
        images = {"image": Image.fromarray(picture), "mask_image": Image.fromarray(mask)}
        return self._call(self._inpaint, prompt=prompt, **images, width=width, height=height, strength=1.0)


def main() -> None:
    """Measure every row, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=BUILTIN_MODELS / "bridge-textures")
    parser.add_argument("--side", type=int, default=384, help="of the pictures, px")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--sheet", type=Path, help="write before, plain and ours side by side here")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    quieten_libraries()
    engine = Engine(options.model)
    plain = Plain(options.model, options.steps, engine.source.guidance_scale)
    sheet: list[Pixels] = []
    rows = [
        *inpaint_rows(engine, plain, options, sheet),
        ring_row(engine, plain, options, sheet),
        seamless_row(engine, plain, options),
        upscale_row(engine, options),
        *repeat_rows(engine, options),
        strength_row(engine, plain, options),
    ]
    report(rows)
    if options.sheet:
        Image.fromarray(np.vstack(sheet)).save(options.sheet, quality=85)
    if options.json:
        figures = {
            row.name: {"target": row.target, "ours": row.median("ours"), "plain": row.median("plain")} for row in rows
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def photograph(name: str, side: int) -> Pixels:
    """A square photograph (side, side, 3)."""
    picture = getattr(skimage.data, name)()
    edge = min(picture.shape[:2])
    square = skimage.transform.resize(picture[:edge, :edge], (side, side), anti_aliasing=True)
    return np.asarray((square * 255).round(), np.uint8)


def disc(side: int) -> npt.NDArray[np.bool_]:
    """A disc in the middle, 0.5 of the side across."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    found: npt.NDArray[np.bool_] = x**2 + y**2 < (side / 4) ** 2
    return found


def as_picture(pixels: Pixels) -> Picture:
    """Pixels as they travel: gray8, rgb8 or rgba8."""
    formats = {2: PixelFormat.GRAY8, 3: PixelFormat.RGB8}
    return Picture(pixels.shape[1], pixels.shape[0], formats[pixels.ndim], np.ascontiguousarray(pixels).tobytes())


def inpaint_rows(engine: Engine, plain: Plain, options: argparse.Namespace, sheet: list[Pixels]) -> list[Row]:
    """Repaint a disc of every photograph: selected hard, selected softly, and hard with every softening off."""
    outside = Row("bits changed outside the compositing mask", "0")
    hard = Row("seam, hard mask", "≤ 1.3")
    soft = Row("seam, feathered mask", "≤ 1.1")
    cut = Row("seam, hard mask, and feather, grow and blend at 0", "-")
    inside = disc(options.side)
    mask = np.where(inside, 255, 0).astype(np.uint8)
    feathered = np.asarray(ndimage.gaussian_filter(mask.astype(np.float32), options.side / 32).round(), np.uint8)
    for name, prompt in PHOTOGRAPHS.items():
        picture = photograph(name, options.side)
        common = {"image": as_picture(picture), "prompt": prompt, "steps": options.steps, "seed": 1}
        (layer,) = engine.layers(Inpaint(mask=as_picture(mask), **common))
        common["extent"] = "canvas"
        ours = engine.pixels(Inpaint(mask=as_picture(mask), **common))
        softly = engine.pixels(Inpaint(mask=as_picture(feathered), **common))
        sharply = engine.pixels(Inpaint(mask=as_picture(mask), feather=0, grow=0, blend=0, **common))
        theirs, theirs_softly = (plain.inpaint(picture, each, prompt) for each in (mask, feathered))
        outside.ours.append(changed_bits(picture, ours, ~covered(layer, options.side)))
        outside.plain.append(changed_bits(picture, theirs, ~inside))
        for row, mine, other in ((hard, ours, theirs), (soft, softly, theirs_softly), (cut, sharply, theirs)):
            row.ours.append(seam_ratio(picture, mine, inside))
            row.plain.append(seam_ratio(picture, other, inside))
        sheet.append(np.hstack([picture, theirs, ours, sharply]))
    return [outside, hard, soft, cut]


def covered(layer: Layer, side: int) -> npt.NDArray[np.bool_]:
    """Where the compositing mask of a layer is not zero, (side, side)."""
    found = np.zeros((side, side), bool)
    alpha = channels_of(layer.picture)[..., 3]
    found[layer.y : layer.y + alpha.shape[0], layer.x : layer.x + alpha.shape[1]] = alpha > 0
    return found


def ring_row(engine: Engine, plain: Plain, options: argparse.Namespace, sheet: list[Pixels]) -> Row:
    """Repaint a disc of a texture with more of the same."""
    row = Row("colour shift in a ring inside the mask, ΔE00", "≤ 3")
    inside = disc(options.side)
    mask = np.where(inside, 255, 0).astype(np.uint8)
    for number, (material, colour) in enumerate(TEXTURES):
        sample = plain_sample(np.random.default_rng(number), options.side, material, colour)
        picture = (sample.picture * 255).round().astype(np.uint8)
        task = Inpaint(
            image=as_picture(picture),
            mask=as_picture(mask),
            prompt=sample.caption,
            steps=options.steps,
            seed=1,
            extent="canvas",
        )
        ours, theirs = engine.pixels(task), plain.inpaint(picture, mask, sample.caption)
        row.ours.append(ring_shift(picture, ours, inside))
        row.plain.append(ring_shift(picture, theirs, inside))
        sheet.append(np.hstack([picture, theirs, ours, ours]))
    return row


def seamless_row(engine: Engine, plain: Plain, options: argparse.Namespace) -> Row:
    """Textures that tile."""
    row = Row("discontinuity across the wrap of a seamless texture", "≤ 1.1")
    for (material, colour), seed in itertools.product(TEXTURES, WRAP_SEEDS):
        prompt = f"{colour} {material}, seamless"
        size = {"width": 256, "height": 256, "steps": options.steps}
        ours = engine.pixels(TextToImage(prompt=prompt, seed=seed, seamless="xy", **size))[..., :3]
        theirs = plain.generate(prompt, 256, seed)
        for axis in ("x", "y"):
            row.ours.append(wrap_discontinuity_ratio(ours, axis))
            row.plain.append(wrap_discontinuity_ratio(theirs, axis))
    return row


def upscale_row(engine: Engine, options: argparse.Namespace) -> Row:
    """Enlarge a photograph in tiles; borders are where a grid of the model's native size has them."""
    row = Row("tiled upscale, discontinuity at tile borders", "≤ 1.05")
    native = engine.source.native_size
    for name, prompt in list(PHOTOGRAPHS.items())[:2]:
        picture = photograph(name, options.side)
        enlarged = engine.pixels(
            Upscale(image=as_picture(picture), prompt=prompt, scale=2, steps=options.steps, seed=1)
        )
        for axis, length in (("x", enlarged.shape[1]), ("y", enlarged.shape[0])):
            row.ours.append(tile_border_ratio(enlarged[..., :3], range(native // 2, length - 8, native // 2), axis))
    return row


def repeat_rows(engine: Engine, options: argparse.Namespace) -> list[Row]:
    """The same request gives the same bytes, whatever else happens."""
    same = Row("bytes that differ: again, after other jobs, with previews", "0")
    batch = Row("largest difference to a batched job", "≤ 2")
    for seed in (1, 2):
        size = {"prompt": "red brick wall", "width": 128, "height": 128, "steps": options.steps}
        alone = engine.pixels(TextToImage(seed=seed, **size))
        engine.pixels(TextToImage(seed=9, **{**size, "prompt": "moss", "scheduler": "euler_a"}))
        same.ours.append(int((engine.pixels(TextToImage(seed=seed, **size)) != alone).sum()))
        same.ours.append(int((engine.pixels(TextToImage(seed=seed, **size), preview_side=64) != alone).sum()))
        batched = engine.layers(TextToImage(seed=seed, images=3, batch_size=3, **size))[0]
        batch.ours.append(int(np.abs(channels_of(batched.picture).astype(int) - alone).max()))
    return [same, batch]


def strength_row(engine: Engine, plain: Plain, options: argparse.Namespace) -> Row:
    """Image-to-image that is to change nothing."""
    row = Row("strength 0, largest difference to the input", "0")
    for name, prompt in PHOTOGRAPHS.items():
        picture = photograph(name, options.side)
        ours = engine.pixels(ImageToImage(image=as_picture(picture), prompt=prompt, strength=0.0, seed=1))[..., :3]
        row.ours.append(int(np.abs(ours.astype(int) - picture).max()))
        # The plain pipeline refuses a strength of less than a step.
        theirs = plain.edit(picture, prompt, 1.01 / options.steps)
        row.plain.append(int(np.abs(theirs.astype(int) - picture).max()))
    return row


def report(rows: list[Row]) -> None:
    """Print both sides of every comparison; medians over pictures."""
    print(f"\n{'median over pictures':<62}{'target':>8}{'plain':>14}{'ours':>10}")
    for row in rows:
        print(f"{row.name:<62}{row.target:>8}{row.shown('plain'):>14}{row.shown('ours'):>10}")


if __name__ == "__main__":
    main()
