"""Draw a contact sheet of samples: one row per material, one column per colour.

python -m training.sheet --folder bridge/engine/builtin/bridge-textures --output sheet.png --size 128 --steps 20

With --pairs the rows and columns are what lies above and below.
"""

from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from training.export import build_pipeline
from training.machine import options, parse
from training.textures.captions import NATURAL_COLOURS, plain_caption, plain_cover_caption
from training.textures.materials import MATERIAL_NAMES
from training.textures.overlays import FIRM, LOOSE
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


def questions(pairs: bool, colours: int) -> list[list[str]]:
    """Return the prompts of the sheet, row by row."""
    if pairs:
        hues = {name: NATURAL_COLOURS[name][0] for name in (*LOOSE, *FIRM)}
        return [[plain_cover_caption(above, hues[above], below, hues[below]) for below in FIRM] for above in LOOSE]
    return [[plain_caption(material, colour) for colour in COLOURS[:colours]] for material in MATERIAL_NAMES]


def main() -> None:
    parser = options(__doc__, run=False)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--run", type=Path, help="folder of a run that is not exported yet")
    source.add_argument("--folder", type=Path, help="model folder")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--colours", type=int, default=len(COLOURS))
    parser.add_argument("--pairs", action="store_true", help="two materials in each picture")
    arguments = parse(parser)
    if arguments.folder:
        pipeline = StableDiffusionPipeline.from_pretrained(arguments.folder, torch_dtype=torch.float32)
    else:
        pipeline = build_pipeline(arguments.run)
    pipeline.to(arguments.device).set_progress_bar_config(disable=True)
    rows = [
        np.hstack(draw(pipeline, prompts, arguments.size, arguments.steps, arguments.guidance, 0))
        for prompts in questions(arguments.pairs, arguments.colours)
    ]
    Image.fromarray(np.rint(np.vstack(rows) * 255).astype(np.uint8)).save(arguments.output)


if __name__ == "__main__":
    main()
