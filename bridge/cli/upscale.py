"""`latent-bridge upscale`: enlarge a picture and paint the detail that it lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bridge.protocol.tasks import Upscale

from .generation_options import GENERATION, PICTURE, SEAMLESS, STRENGTH, wishing, with_options
from .running import Request, Wish, picture_input, run_request


@click.command()
@click.argument("image", type=PICTURE)
@click.argument("prompt", required=False)
@click.option("--scale", type=click.FloatRange(1, 16), help="Sides of the result over those of IMAGE; 2 if not given.")
@click.option("--tile", type=click.IntRange(64, 4096), metavar="PX", help="Side of a tile as the model sees it.")
@with_options(STRENGTH, GENERATION, SEAMLESS)
@wishing(keep_alpha=False)
def upscale(*, image: Path, from_file: Path | None, wish: Wish, **given: Any) -> None:
    """Enlarge IMAGE. PROMPT may say what it shows; --strength 0 only resamples."""
    pictures = {"image": picture_input(image, as_json=wish.as_json)}
    run_request(Request(Upscale, given, pictures, from_file, needs_prompt=False), wish)
