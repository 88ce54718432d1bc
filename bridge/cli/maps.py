"""`latent-bridge maps`: the other maps of a material from its base colour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click

from bridge.protocol.tasks import Generation, Layer, SurfaceMap, SurfaceMaps

from .failures import usage_error
from .generation_options import PICTURE, SEAMLESS, wishing, with_options
from .running import Paths, Request, Wish, picture_input, run_request


class MapsType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on only
    """Names of maps, joined by commas."""

    name = "NAMES"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """The names, in the order given."""
        names = [name.strip() for name in str(value).split(",")]
        unknown = [name for name in names if name not in get_args(SurfaceMap)]
        if unknown:
            self.fail(f"There is no map {unknown[0]!r}. There are {', '.join(get_args(SurfaceMap))}.", param, ctx)
        return names


@click.command()
@click.argument("image", type=PICTURE)
@click.option("--maps", "wanted", type=MapsType(), help="Which, joined by commas. Default: all but metallic.")
@click.option("--relief", type=click.FloatRange(0, 50), metavar="%", help="Depth, as a share of the shorter side; 2.")
@click.option("--detail", type=click.FloatRange(0, 1), help="How much of the finest forms the relief keeps; 0.75.")
@click.option("--light-is-deep/--dark-is-deep", default=None, help="Light is deep, as with pale mortar; or dark is.")
@click.option("--roughness", type=click.FloatRange(0, 1), help="Mean of the roughness map; 0.6.")
@click.option(
    "--normals", "normal_convention", type=click.Choice(["opengl", "directx"]), help="Green up (opengl), or down."
)
@click.option("--bits", type=click.Choice(["8", "16"]), help="Bits per channel of normal and height; 16.")
@with_options(SEAMLESS)
@wishing(keep_alpha=False)
def maps(
    *, image: Path, wanted: list[str] | None, bits: str | None, from_file: Path | None, wish: Wish, **given: Any
) -> None:
    """Make normal, height, roughness and occlusion maps from the base colour IMAGE.

    They are PNGs called like IMAGE, such as brick_normal.png, in the folder named by -o or in the present one.
    """
    if wish.output is not None and not wish.output.is_dir():
        problem, hint = f"There is no folder {wish.output}.", "Maps are several files: name a folder that is there."
        raise usage_error(problem, hint, "output", as_json=wish.as_json)
    given |= {"maps": wanted, "bits": int(bits) if bits else None}
    pictures = {"image": picture_input(image, as_json=wish.as_json)}
    run_request(
        Request(SurfaceMaps, given, pictures, from_file, needs_prompt=False, paths=_named_by_map(image.stem)), wish
    )


def _named_by_map(stem: str) -> Paths:
    def paths(_task: Generation | SurfaceMaps, layers: list[Layer], folder: Path | None) -> Iterator[Path]:
        return ((folder or Path()) / f"{stem}_{layer.recipe['map']}.png" for layer in layers)

    return paths
