"""Options that several commands share. An option that is not given is None: the recipe or the daemon decides."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from bridge.protocol.tasks import MAX_SEED, FillMethod, Seamless

from .connecting import Whereabouts, connection_options
from .running import Wish

F = TypeVar("F", bound=Callable[..., Any])

PICTURE = click.Path(exists=True, dir_okay=False, path_type=Path)

GENERATION: Sequence[Callable[[Any], Any]] = (
    click.option("--negative", "negative_prompt", help="What the picture shall not show."),
    click.option("--seed", type=click.IntRange(0, MAX_SEED), help="Same request, same seed: same picture."),
    click.option("--steps", type=click.IntRange(1, 1000), help="Denoising steps."),
    click.option("--guidance", "guidance_scale", type=click.FloatRange(0, 50), help="How closely to follow it."),
    click.option("--scheduler", help="Scheduler, such as euler_a or dpmpp_2m."),
    click.option("--model", help="Model id, see `latent-bridge models`."),
    click.option("--images", type=click.IntRange(1, 64), help="How many."),
)
STRENGTH: Sequence[Callable[[Any], Any]] = (
    click.option("--strength", type=click.FloatRange(0, 1), help="How much may change, 0 to 1."),
)
SEAMLESS: Sequence[Callable[[Any], Any]] = (
    click.option("--seamless", type=click.Choice(get_args(Seamless)), help="Sides across which it continues."),
)
SEAM: Sequence[Callable[[Any], Any]] = (
    click.option("--blend", type=click.IntRange(0, 1024), metavar="PX", help="Width of the seam."),
    click.option("--fill", type=click.Choice(get_args(FillMethod)), help="What the new part starts from."),
)
MASKING: Sequence[Callable[[Any], Any]] = (
    click.option("--grow", type=click.IntRange(0, 1024), metavar="PX", help="Paint this far beyond the mask."),
    click.option("--feather", type=click.IntRange(0, 1024), metavar="PX", help="Width over which the mask fades."),
    click.option("--context", type=click.IntRange(0, 8192), metavar="PX", help="Surroundings shown to the model."),
)
LAYER: Sequence[Callable[[Any], Any]] = (
    click.option(
        "--layer/--no-layer",
        "as_layer",
        default=None,
        help="Write the new layer with alpha instead of the finished picture.",
    ),
)
OUTPUT: Sequence[Callable[[Any], Any]] = (
    click.option("--from", "from_file", type=PICTURE, help="Take prompt and parameters from a PNG's recipe."),
    click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        help="PNG, JPEG or WebP file, or a folder. Default: named after prompt and seed.",
    ),
    click.option("--force", is_flag=True, help="Replace files of the same name instead of adding a number."),
    click.option("--json", "as_json", is_flag=True, help="Result or error as JSON on stdout, no progress."),
)


def with_options(*groups: Sequence[Callable[[Any], Any]]) -> Callable[[F], F]:
    """Add groups of options to a command, in this order."""

    def decorate(command: F) -> F:
        for group in reversed(groups):
            for option in reversed(group):
                command = option(command)
        return command

    return decorate


def wishing(*, keep_alpha: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options about files and the daemon to a command, which gets them as one `wish`, and `from_file`.

    Args:
        keep_alpha: write alpha even when it is opaque everywhere.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def gathered(
            *,
            output: Path | None,
            force: bool,
            as_json: bool,
            daemon: Whereabouts,
            **rest: Any,
        ) -> None:
            command(wish=Wish(output, force, as_json, keep_alpha, daemon), **rest)

        return with_options(OUTPUT)(connection_options(gathered))

    return decorate


class SizeType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on only
    """A size such as 768x512."""

    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Width and height in pixels."""
        if isinstance(value, tuple):
            return value
        width, cross, height = str(value).lower().replace("×", "x").partition("x")
        if not width.isdigit() or (cross and not height.isdigit()):
            self.fail(f"{value!r} is not a size such as 768x512.", param, ctx)
        return int(width), int(height) if cross else int(width)
