"""`latent-bridge demo`: what the bridge does, on a real photograph and the built-in model, in under a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.protocol.errors import BridgeError

from .connecting import Whereabouts, connection_options, open_bridge
from .failures import Failure, exit_code

if TYPE_CHECKING:
    from PIL.Image import Image

    from bridge.client import Bridge

PHOTOGRAPH = "coffee.jpg"
SHEET_NAME = "before-after.png"
SHEET_HEIGHT = 300
"""Height of a picture on the contact sheet, px."""
MARGIN = 16
"""Space around pictures on the contact sheet, px."""

NEXT_STEPS = """
What next:
  Krita     {command} plugins install krita --enable, then start Krita: the docker is called "Latent Bridge"
  Blender   {command} plugins build, then install dist/latent-bridge-blender.zip; it is in the sidebar (N)
  Serving   {command} serve --model FOLDER-OR-HUB-ID, for pictures of the world instead of textures"""


@dataclass(frozen=True)
class Stage:
    """One thing to show.

    Attributes:
        name: of the file and on the sheet.
        prompt: what is asked for.
        before: what the user starts from; None when there is nothing.
        run: makes the picture.
    """

    name: str
    prompt: str
    before: Image | None
    run: Callable[[Bridge, str], Image]


@click.command()
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), default=Path("out/demo"), show_default=True,
    help="Folder for the pictures.",
)  # fmt: skip
@click.option("--steps", type=click.IntRange(1, 150), default=None, help="Denoising steps; the model's own by default.")
@connection_options
def demo(*, output: Path, steps: int | None, daemon: Whereabouts) -> None:
    """Inpaint and outpaint a photograph and generate a texture. Starts a daemon when none runs."""
    began = time.monotonic()
    try:
        with open_bridge(replace(daemon, start=True)) as bridge:
            click.echo(f"daemon: {bridge.welcome.daemon}, model {bridge.models[0].title}")
            click.echo("the first picture also waits for the engine to import torch and load the model")
            pairs = [_show(bridge, stage, output) for stage in stages(steps)]
    except BridgeError as error:
        raise Failure(error, exit_code(error)) from error
    sheet = contact_sheet(pairs)
    sheet.save(output / SHEET_NAME)
    click.echo(f"{'contact sheet':<10} {output / SHEET_NAME}")
    click.echo(f"{time.monotonic() - began:.1f} s in all")
    click.echo(NEXT_STEPS.format(command=_own_command()))


def stages(steps: int | None) -> tuple[Stage, ...]:
    """What is shown, in order."""
    photograph = open_photograph()
    common: dict[str, Any] = {"steps": steps, "seed": 7}

    def inpaint(bridge: Bridge, prompt: str) -> Image:
        return _image(
            bridge.inpaint(
                photograph, coffee_mask(photograph), prompt, extent="canvas", grow=2, feather=12, blend=8, **common
            )
        )

    def outpaint(bridge: Bridge, prompt: str) -> Image:
        return _image(bridge.outpaint(photograph, prompt, right=160, extent="canvas", **common))

    def generate(bridge: Bridge, prompt: str) -> Image:
        return _image(bridge.generate(prompt, width=512, height=512, **common))

    return (
        Stage("inpaint", "blue water waves", _outlined(photograph), inpaint),
        Stage("outpaint", "brown wood planks", photograph, outpaint),
        Stage("texture", "mossy grey cobblestone", None, generate),
    )


def open_photograph() -> Image:
    """The photograph that ships with the package, RGB, 600 × 400 px."""
    from PIL import Image

    with resources.files("bridge").joinpath("demo", PHOTOGRAPH).open("rb") as file:
        return Image.open(file, formats=["JPEG"]).convert("RGB")


def coffee_mask(photograph: Image) -> Image:
    """The coffee in the cup, as a mask of the photograph's size."""
    from PIL import Image, ImageDraw

    mask = Image.new("L", photograph.size)
    ImageDraw.Draw(mask).ellipse((204, 94, 370, 194), fill=255)
    return mask


def contact_sheet(pairs: list[tuple[str, Image | None, Image]]) -> Image:
    """Rows of title, before and after."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(18)
    rows = [(title, [_scaled(image) for image in images if image]) for title, *images in pairs]
    width = max(sum(image.width + MARGIN for image in images) for _, images in rows) + MARGIN
    row_height = SHEET_HEIGHT + 2 * MARGIN + 24
    sheet = Image.new("RGB", (width, row_height * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (title, images) in enumerate(rows):
        top, left = number * row_height + MARGIN, MARGIN
        draw.text((left, top), title, fill="black", font=font)
        for image in images:
            sheet.paste(image, (left, top + 24 + MARGIN // 2))
            left += image.width + MARGIN
    return sheet


def _show(bridge: Bridge, stage: Stage, folder: Path) -> tuple[str, Image | None, Image]:
    began = time.monotonic()
    image = stage.run(bridge, stage.prompt)
    seconds = time.monotonic() - began
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stage.name}.png"
    image.save(path)
    click.echo(f"{stage.name:<10} {seconds:5.1f} s  {stage.prompt!r}  {path}")
    return f"{stage.name}: {stage.prompt} ({seconds:.1f} s)", stage.before, image


def _image(layer: Any) -> Image:
    from bridge.client import layer_to_pil

    return layer_to_pil(layer).convert("RGB")


def _outlined(photograph: Image) -> Image:
    from PIL import ImageChops, ImageFilter

    mask = coffee_mask(photograph)
    rim = ImageChops.subtract(mask.filter(ImageFilter.MaxFilter(5)), mask)
    shown = photograph.copy()
    shown.paste((255, 255, 255), mask=rim)
    return shown


def _scaled(image: Image) -> Image:
    return image.resize((round(image.width * SHEET_HEIGHT / image.height), SHEET_HEIGHT))


def _own_command() -> str:
    """How this very program is called from where the user stands."""
    import shutil
    import sys

    if shutil.which("latent-bridge"):
        return "latent-bridge"
    script = Path(sys.executable).parent / "latent-bridge"
    try:
        return str(script.relative_to(Path.cwd()))
    except ValueError:
        return str(script)
