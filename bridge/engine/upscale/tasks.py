"""Which tasks become pictures painted in tiles."""

from __future__ import annotations

from bridge.engine.conversion import Channels, channels_of
from bridge.engine.plan import Placed, Plan, Sizing
from bridge.engine.recipe_inputs import digest_of
from bridge.protocol.tasks import Seamless, Upscale

from .enlarging import Enlarged, of_floats
from .tiles import Tiles


def plan_upscale(task: Upscale, sizing: Sizing) -> Plan:
    """Enlarge the picture, then paint over it in tiles. Its alpha is enlarged as it is."""
    image = task.image
    width, height = max(1, round(image.width * task.scale)), max(1, round(image.height * task.scale))
    wrap_x, wrap_y = "x" in task.seamless, "y" in task.seamless
    enlarged = Enlarged(channels_of(image), image.format, image.colour_space, width, height, wrap_x, wrap_y)
    inputs = {"image": digest_of(image)}
    if task.strength == 0:
        same = Placed(enlarged.written(None, task.result_format))
        return Plan("image-to-image", width, height, lambda _: same, inputs=inputs, unchanged=same)
    side = sizing.nearest(task.tile or sizing.native)
    tiles = tiles_over(enlarged, side, sizing, task.seamless, keep_colours=True)

    def finish(painted: Channels) -> Placed:
        return Placed(enlarged.written(fitted(painted, enlarged), task.result_format))

    return Plan(
        "image-to-image",
        tiles.width,
        tiles.height,
        finish,
        strength=task.strength,
        inputs=inputs,
        resolved={"tile": side},
        computed={"tile": side},
        tiles=tiles,
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
        width, height, side, sizing.multiple, seen.over_neutral, "x" in seamless, "y" in seamless, keep_colours
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
