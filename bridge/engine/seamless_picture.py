"""Tasks that paint a whole picture, when it is to continue across its own sides.

Nothing is padded or cut at such a side, since that would part what belongs together: the picture is computed at the
nearest suitable size and scaled.
"""

from __future__ import annotations

from bridge.protocol.pixels import ColourSpace
from bridge.protocol.tasks import ImageToImage, Seamless, TextToImage

from .conversion import Floats, convert_picture, read_rgb, write_picture
from .plan import Placed, Plan, Sizing, View
from .recipe_inputs import digest_of
from .resampling import resize_around
from .whole_picture import over_neutral


def plan_seamless_text_to_image(task: TextToImage, sizing: Sizing) -> Plan:
    """Compute at the nearest suitable size, then scale to what was asked."""
    width, height = _computed(task.width, task.height, sizing)

    def finish(painted: Floats) -> Placed:
        rgb = resize_around(painted, task.width, task.height, task.seamless)
        return Placed(write_picture(rgb, None, task.result_format, ColourSpace.SRGB))

    view = _view(task.width, task.height, width, height, task.seamless)
    return Plan("text-to-image", width, height, finish, seamless=task.seamless, view=view)


def plan_seamless_image_to_image(task: ImageToImage, sizing: Sizing) -> Plan:
    """Scale the picture to the nearest suitable size, and undo that at the end. Its alpha stays as it is."""
    image = task.image
    inputs = {"image": digest_of(image)}
    if task.strength == 0:
        same = Placed(convert_picture(image, task.result_format))
        return Plan("image-to-image", image.width, image.height, lambda _: same, inputs=inputs, unchanged=same)
    rgb, alpha = read_rgb(image)
    width, height = _computed(image.width, image.height, sizing)
    view = _view(image.width, image.height, width, height, task.seamless)
    start = view.seen(over_neutral(rgb, alpha))

    def finish(painted: Floats) -> Placed:
        result = resize_around(painted, image.width, image.height, task.seamless)
        return Placed(write_picture(result, alpha, task.result_format, image.colour_space))

    return Plan(
        "image-to-image",
        width,
        height,
        finish,
        start,
        task.strength,
        inputs=inputs,
        seamless=task.seamless,
        view=view,
    )


def _view(canvas_width: int, canvas_height: int, width: int, height: int, sides: Seamless) -> View:
    return View(canvas_width, canvas_height, lambda picture: resize_around(picture, width, height, sides))


def _computed(width: int, height: int, sizing: Sizing) -> tuple[int, int]:
    scale = sizing.enlargement(width, height)
    return sizing.around(width * scale), sizing.around(height * scale)
