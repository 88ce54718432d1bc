"""`latent-bridge outpaint`: extend a picture beyond its sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bridge.protocol.tasks import Outpaint

from .connecting import connection_options
from .failures import usage_error
from .generation_options import GENERATION, LAYER, OUTPUT, PICTURE, SEAM, STRENGTH, with_options
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
@with_options(STRENGTH, SEAM, LAYER, GENERATION, OUTPUT)
@connection_options
def outpaint(
    *,
    image: Path,
    as_layer: bool | None,
    from_file: Path | None,
    output: Path | None,
    force: bool,
    as_json: bool,
    address: str | None,
    token_file: Path | None,
    start: bool,
    **given: Any,
) -> None:
    """Extend IMAGE by the given sides, painting what PROMPT says."""
    if from_file is None and not any(given[side] for side in SIDES):
        hint = "Give --left, --top, --right or --bottom in pixels."
        raise usage_error("No side is to be extended.", hint, as_json=as_json)
    given["extent"] = extent(as_layer, from_file)
    pictures = {"image": picture_input(image, as_json=as_json)}
    run_request(
        Request(Outpaint, given, pictures, from_file),
        Wish(output, force, as_json, True, address, token_file, start),
    )
