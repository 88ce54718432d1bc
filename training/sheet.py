"""Draw a contact sheet of samples: one row per material, one column per colour.

python -m training.sheet --run training/runs/a --output sheet.png --size 128 --steps 15
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from training.export import build_pipeline
from training.textures.captions import plain_caption
from training.textures.materials import MATERIAL_NAMES
from training.textures.palette import COLOURS


def draw(
    pipeline: StableDiffusionPipeline, prompts: list[str], size: int, steps: int, guidance: float, seed: int
) -> np.ndarray:
    """Return float32 pictures (count, size, size, 3) in [0, 1], one per prompt, each from its own seed."""
    generators = [torch.Generator().manual_seed(seed + index) for index in range(len(prompts))]
    result = pipeline(
        prompts,
        height=size,
        width=size,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=generators,
        output_type="np",
    )
    return result.images.astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--colours", type=int, default=len(COLOURS))
    parser.add_argument("--threads", type=int, default=2, help="1 where other programs use the cores as well")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    pipeline = build_pipeline(arguments.run)
    pipeline.set_progress_bar_config(disable=True)
    colours = COLOURS[: arguments.colours]
    rows = []
    for material in MATERIAL_NAMES:
        prompts = [plain_caption(material, colour) for colour in colours]
        rows.append(np.hstack(draw(pipeline, prompts, arguments.size, arguments.steps, arguments.guidance, 0)))
    Image.fromarray(np.rint(np.vstack(rows) * 255).astype(np.uint8)).save(arguments.output)


if __name__ == "__main__":
    main()
