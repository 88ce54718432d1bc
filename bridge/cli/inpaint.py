"""`latent-bridge inpaint`: repaint the white part of a mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bridge.protocol.tasks import Inpaint

from .generation_options import GENERATION, LAYER, MASKING, PICTURE, SEAM, SEAMLESS, STRENGTH, wishing, with_options
from .running import Request, Wish, extent, mask_input, picture_input, run_request


@click.command()
@click.argument("image", type=PICTURE)
@click.argument("mask", type=PICTURE)
@click.argument("prompt", required=False)
@with_options(STRENGTH, MASKING, SEAM, LAYER, GENERATION, SEAMLESS)
@wishing(keep_alpha=True)
def inpaint(
    *, image: Path, mask: Path, as_layer: bool | None, from_file: Path | None, wish: Wish, **given: Any
) -> None:
    """Repaint IMAGE where MASK is white, as PROMPT says.

    Beyond the mask and its seam (--grow, --blend) no bit changes.
    """
    given["extent"] = extent(as_layer, from_file)
    pictures = {"image": picture_input(image, as_json=wish.as_json), "mask": mask_input(mask, as_json=wish.as_json)}
    run_request(Request(Inpaint, given, pictures, from_file), wish)
