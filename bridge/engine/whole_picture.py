"""Tasks that paint a whole picture: text-to-image and image-to-image."""

from __future__ import annotations

import math

from bridge.protocol.pixels import ColourSpace
from bridge.protocol.tasks import ImageToImage, TextToImage

from .conversion import Floats, convert_picture, read_rgb, write_picture
from .plan import Placed, Plan, Sizing, View
from .recipe_inputs import digest_of
from .resampling import crop_centre, pad_edges, resize


def plan_text_to_image(task: TextToImage, sizing: Sizing) -> Plan:
    """Compute at the next suitable size, then cut to what was asked."""
    scale = sizing.enlargement(task.width, task.height)

    def finish(painted: Floats) -> Placed:
        rgb = _fitted(painted, task.width, task.height, scale)
        return Placed(write_picture(rgb, None, task.result_format, ColourSpace.SRGB))

    width, height = sizing.up(task.width * scale), sizing.up(task.height * scale)
    view = _whole(task.width, task.height, scale, width, height)
    return Plan("text-to-image", width, height, finish, view=view)


def plan_image_to_image(task: ImageToImage, sizing: Sizing) -> Plan:
    """Pad or enlarge the picture to a suitable size, and undo that at the end. Its alpha stays as it is."""
    image = task.image
    inputs = {"image": digest_of(image)}
    if task.strength == 0:
        same = Placed(convert_picture(image, task.result_format))
        return Plan("image-to-image", image.width, image.height, lambda _: same, inputs=inputs, unchanged=same)
    rgb, alpha = read_rgb(image)
    rgb = over_neutral(rgb, alpha)
    scale = sizing.enlargement(image.width, image.height)
    width, height = sizing.up(image.width * scale), sizing.up(image.height * scale)
    view = _whole(image.width, image.height, scale, width, height)
    start = view.seen(rgb)

    def finish(painted: Floats) -> Placed:
        result = _fitted(painted, image.width, image.height, scale)
        return Placed(write_picture(result, alpha, task.result_format, image.colour_space))

    return Plan("image-to-image", width, height, finish, start, task.strength, inputs=inputs, view=view)


def over_neutral(rgb: Floats, alpha: Floats | None) -> Floats:
    """Colours over mid grey: what lies under transparent pixels is arbitrary and would mislead a model."""
    if alpha is None or bool((alpha == 1).all()):
        return rgb
    return 0.5 + (rgb - 0.5) * alpha[..., None]


def _whole(canvas_width: int, canvas_height: int, scale: float, width: int, height: int) -> View:
    """All of the canvas, enlarged and padded: what `_fitted` undoes."""

    def seen(picture: Floats) -> Floats:
        return pad_edges(
            resize(picture, math.ceil(canvas_width * scale), math.ceil(canvas_height * scale)), width, height
        )

    return View(canvas_width, canvas_height, seen)


def _fitted(painted: Floats, width: int, height: int, scale: float) -> Floats:
    if scale == 1:
        return crop_centre(painted, width, height)
    enlarged = crop_centre(painted, math.ceil(width * scale), math.ceil(height * scale))
    return resize(enlarged, width, height)
