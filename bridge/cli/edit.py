"""`latent-bridge edit`: change a whole picture towards a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bridge.protocol.tasks import ImageToImage

from .generation_options import GENERATION, PICTURE, SEAMLESS, STRENGTH, wishing, with_options
from .running import Request, Wish, picture_input, run_request


@click.command()
@click.argument("image", type=PICTURE)
@click.argument("prompt", required=False)
@with_options(STRENGTH, GENERATION, SEAMLESS)
@wishing(keep_alpha=False)
def edit(*, image: Path, from_file: Path | None, wish: Wish, **given: Any) -> None:
    """Change IMAGE towards PROMPT."""
    pictures = {"image": picture_input(image, as_json=wish.as_json)}
    run_request(Request(ImageToImage, given, pictures, from_file), wish)
