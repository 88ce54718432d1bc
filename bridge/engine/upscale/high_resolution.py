"""Canvases that are larger than the model likes: composed at its own size, then enlarged and painted over in tiles.

A model that is asked for more than it was trained for repeats itself: two horizons, two heads.
"""

from __future__ import annotations

import math

import numpy as np

from bridge.engine.conversion import Channels, Floats
from bridge.engine.plan import Placed, Plan, Second, Sizing, View
from bridge.engine.resampling import resize_around
from bridge.protocol.tasks import ImageToImage, TextToImage

from .enlarging import Enlarged, enlarged_from, of_floats
from .tasks import fitted, padded_size, plan_tiled, tiles_over
from .tiles import Tiles

COMPOSED_ABOVE = 1.5
"""Text-to-image in two passes from this many times the native area on."""
TILED_ABOVE = 4.0
"""Image-to-image in tiles from this many times the native area on; below, the picture itself holds it together."""
SECOND_STRENGTH = 0.5
"""Of the second pass: enough to paint detail, too little to compose anew."""


def needs_two_passes(task: TextToImage, sizing: Sizing) -> bool:
    """Whether a picture is too large to be composed in one go."""
    return task.width * task.height > max(COMPOSED_ABOVE * sizing.native**2, sizing.whole**2)


def needs_tiles(task: ImageToImage, sizing: Sizing) -> bool:
    """Whether a picture is too large to be changed in one go."""
    return task.strength > 0 and task.image.width * task.image.height > max(
        TILED_ABOVE * sizing.native**2, sizing.whole**2
    )


def plan_two_passes(task: TextToImage, sizing: Sizing) -> Plan:
    """Compose at the native area in the same aspect, then enlarge that and paint it over in tiles."""
    scale = sizing.native / math.sqrt(task.width * task.height)
    width = sizing.around(task.width * scale) if "x" in task.seamless else sizing.nearest(task.width * scale)
    height = sizing.around(task.height * scale) if "y" in task.seamless else sizing.nearest(task.height * scale)
    side = sizing.nearest(sizing.native)
    sizes = padded_size(task.width, task.height, sizing, task.seamless)

    nothing = np.zeros((1, 1, 3), np.float32)

    def enlarged(rgb: Channels) -> Enlarged:
        sides = task.seamless
        return of_floats(rgb, task.width, task.height, wrap_x="x" in sides, wrap_y="y" in sides)

    def tiles_of(rgb: Channels) -> Tiles:
        return tiles_over(enlarged(rgb), side, sizing, task.seamless, keep_colours=True)

    def again(painted: Floats) -> Plan:
        return Plan("image-to-image", *sizes, finish, strength=SECOND_STRENGTH, tiles=tiles_of(painted))

    def finish(painted: Channels) -> Placed:
        # Opaque, so nothing but the size is asked of what it was enlarged from.
        whole = enlarged(nothing)
        return Placed(whole.written(fitted(painted, whole), task.result_format))

    second = Second(SECOND_STRENGTH, tiles_of(nothing).count, again)
    computed = {"second": {"width": sizes[0], "height": sizes[1], "tile": side, "strength": SECOND_STRENGTH}}
    # Guides act on the composition; the second pass keeps to what they led to.
    view = View(task.width, task.height, lambda picture: resize_around(picture, width, height, task.seamless))
    return Plan(
        "text-to-image", width, height, finish, seamless=task.seamless, second=second, computed=computed, view=view
    )


def plan_tiled_image_to_image(task: ImageToImage, sizing: Sizing) -> Plan:
    """Paint over the picture in tiles."""
    same_size = enlarged_from(task.image, task.image.width, task.image.height, task.seamless)
    tiles = tiles_over(same_size, sizing.nearest(sizing.native), sizing, task.seamless, keep_colours=False)
    return plan_tiled(task, same_size, tiles)
