"""`latent-bridge generate`: a picture from a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bridge.protocol.tasks import TextToImage

from .connecting import connection_options
from .generation_options import GENERATION, OUTPUT, SEAMLESS, SizeType, with_options
from .running import Request, Wish, run_request


@click.command()
@click.argument("prompt", required=False)
@click.option("--size", type=SizeType(), help="Width and height, such as 768x512. Default: 512x512.")
@with_options(GENERATION, SEAMLESS, OUTPUT)
@connection_options
def generate(
    *,
    size: tuple[int, int] | None,
    from_file: Path | None,
    output: Path | None,
    force: bool,
    as_json: bool,
    address: str | None,
    token_file: Path | None,
    start: bool,
    **given: Any,
) -> None:
    """Make a picture of PROMPT. With --from, PROMPT and options change what the file's recipe says."""
    if size is not None:
        given.update(width=size[0], height=size[1])
    run_request(
        Request(TextToImage, given, {}, from_file),
        Wish(output, force, as_json, False, address, token_file, start),
    )
