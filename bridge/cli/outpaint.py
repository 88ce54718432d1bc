"""`latent-bridge outpaint`: extend a picture beyond its sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bridge.protocol.tasks import Outpaint

from .failures import usage_error
from .generation_options import GENERATION, LAYER, PICTURE, SEAM, STRENGTH, wishing, with_options
from .running import Request, Wish, extent, picture_input, run_request

SIDES = ("left", "top", "right", "bottom")
PIXELS = click.IntRange(0, 8192)


@click.command()
@click.argument("image", type=PICTURE)
@click.argument("prompt", required=False)
@click.option("--left", type=PIXELS, metavar="PX", help="Pixels to add on the left.")
@click.option("--top", type=PIXELS, metavar="PX", help="Pixels to add at the top.")
@click.option("--right", type=PIXELS, metavar="PX", help="Pixels to add on the right.")
@click.option("--bottom", type=PIXELS, metavar="PX", help="Pixels to add at the bottom.")
@with_options(STRENGTH, SEAM, LAYER, GENERATION)
@wishing(keep_alpha=True)
def outpaint(*, image: Path, as_layer: bool | None, from_file: Path | None, wish: Wish, **given: Any) -> None:
    """Extend IMAGE by the given sides, painting what PROMPT says."""
    if from_file is None and not any(given[side] for side in SIDES):
        hint = "Give --left, --top, --right or --bottom in pixels."
        raise usage_error("No side is to be extended.", hint, as_json=wish.as_json)
    given["extent"] = extent(as_layer, from_file)
    pictures = {"image": picture_input(image, as_json=wish.as_json)}
    run_request(Request(Outpaint, given, pictures, from_file), wish)
