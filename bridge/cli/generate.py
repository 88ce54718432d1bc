"""`latent-bridge generate`: a picture from a prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bridge.protocol.tasks import TextToImage

from .generation_options import GENERATION, SEAMLESS, SizeType, wishing, with_options
from .running import Request, Wish, run_request


@click.command()
@click.argument("prompt", required=False)
@click.option("--size", type=SizeType(), help="Width and height, such as 768x512. Default: 512x512.")
@with_options(GENERATION, SEAMLESS)
@wishing(keep_alpha=False)
def generate(*, size: tuple[int, int] | None, from_file: Path | None, wish: Wish, **given: Any) -> None:
    """Make a picture of PROMPT. With --from, PROMPT and options change what the file's recipe says."""
    if size is not None:
        given.update(width=size[0], height=size[1])
    run_request(Request(TextToImage, given, {}, from_file), wish)
