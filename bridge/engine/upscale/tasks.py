"""Which tasks become pictures painted in tiles."""

from __future__ import annotations

from dataclasses import replace

from bridge.engine.conversion import Channels
from bridge.engine.plan import Placed, Plan, Sizing
from bridge.engine.recipe_inputs import digest_of
from bridge.protocol.tasks import ImageToImage, Seamless, Upscale

from .enlarging import Enlarged, enlarged_from, of_floats
from .tiles import Tiles


def plan_upscale(task: Upscale, sizing: Sizing) -> Plan:
    """Enlarge the picture, then paint over it in tiles. Its alpha is enlarged as it is."""
    image = task.image
    width, height = max(1, round(image.width * task.scale)), max(1, round(image.height * task.scale))
    enlarged = enlarged_from(image, width, height, task.seamless)
    if task.strength == 0:
        same = Placed(enlarged.written(None, task.result_format))
        inputs = {"image": digest_of(image)}
        return Plan("image-to-image", width, height, lambda _: same, inputs=inputs, unchanged=same)
    tiles = tiles_over(enlarged, sizing.nearest(task.tile or sizing.native), sizing, task.seamless, keep_colours=True)
    return replace(plan_tiled(task, enlarged, tiles), resolved={"tile": tiles.side})


def plan_tiled(task: Upscale | ImageToImage, enlarged: Enlarged, tiles: Tiles) -> Plan:
    """Paint over a picture in tiles. Its alpha stays as it is."""

    def finish(painted: Channels) -> Placed:
        return Placed(enlarged.written(fitted(painted, enlarged), task.result_format))

    return Plan(
        "image-to-image",
        tiles.width,
        tiles.height,
        finish,
        strength=task.strength,
        inputs={"image": digest_of(task.image)},
        tiles=tiles,
        computed={"tile": tiles.side},
    )


def tiles_over(enlarged: Enlarged, side: int, sizing: Sizing, seamless: Seamless, *, keep_colours: bool) -> Tiles:
    """Tiles over an enlarged picture: over somewhat more of it where its sides are no multiples.

    A side that continues across itself cannot be longer, so there the picture is painted in the nearest size.
    """
    width, height = padded_size(enlarged.width, enlarged.height, sizing, seamless)
    seen = Enlarged(
        enlarged.channels,
        enlarged.pixel_format,
        enlarged.colour_space,
        width if enlarged.wrap_x else enlarged.width,
        height if enlarged.wrap_y else enlarged.height,
        enlarged.wrap_x,
        enlarged.wrap_y,
    )
    return Tiles(
        width,
        height,
        side,
        sizing.multiple,
        (seen.width, seen.height),
        seen.over_neutral,
        "x" in seamless,
        "y" in seamless,
        keep_colours,
    )


def padded_size(width: int, height: int, sizing: Sizing, seamless: Seamless) -> tuple[int, int]:
    """The size in which a picture is painted in tiles, in px."""
    return (
        sizing.nearest(width) if "x" in seamless else sizing.up(width),
        sizing.nearest(height) if "y" in seamless else sizing.up(height),
    )


def fitted(painted: Channels, enlarged: Enlarged) -> Channels:
    """What was painted, in the size of the enlarged picture where a seamless side was painted in another."""
    height, width = painted.shape[:2]
    new_width = enlarged.width if enlarged.wrap_x else width
    new_height = enlarged.height if enlarged.wrap_y else height
    if (new_width, new_height) == (width, height):
        return painted
    other = of_floats(painted, new_width, new_height, wrap_x=enlarged.wrap_x, wrap_y=enlarged.wrap_y)
    return other.halves()
