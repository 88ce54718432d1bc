"""`latent-bridge edit`: change a whole picture towards a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bridge.protocol.tasks import ImageToImage

from .connecting import connection_options
from .generation_options import GENERATION, OUTPUT, PICTURE, SEAMLESS, STRENGTH, with_options
from .running import Request, Wish, picture_input, run_request


@click.command()
@click.argument("image", type=PICTURE)
@click.argument("prompt", required=False)
@with_options(STRENGTH, GENERATION, SEAMLESS, OUTPUT)
@connection_options
def edit(
    *,
    image: Path,
    from_file: Path | None,
    output: Path | None,
    force: bool,
    as_json: bool,
    address: str | None,
    token_file: Path | None,
    start: bool,
    **given: Any,
) -> None:
    """Change IMAGE towards PROMPT."""
    pictures = {"image": picture_input(image, as_json=as_json)}
    run_request(
        Request(ImageToImage, given, pictures, from_file),
        Wish(output, force, as_json, False, address, token_file, start),
    )
