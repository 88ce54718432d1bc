"""Tasks that paint a whole picture: text-to-image and image-to-image."""

from __future__ import annotations

from bridge.protocol.pixels import ColourSpace
from bridge.protocol.tasks import ImageToImage, TextToImage

from .conversion import Floats, convert_picture, read_rgb, write_picture
from .fitting import fitting
from .plan import Placed, Plan, Sizing
from .recipe_inputs import digest_of


def plan_text_to_image(task: TextToImage, sizing: Sizing) -> Plan:
    """Compute at a suitable size, and bring that to what was asked."""
    fit = fitting(task.width, task.height, sizing, task.seamless)

    def finish(painted: Floats) -> Placed:
        return Placed(write_picture(fit.undone(painted), None, task.result_format, ColourSpace.SRGB))

    return Plan("text-to-image", fit.width, fit.height, finish, seamless=task.seamless, view=fit.view)


def plan_image_to_image(task: ImageToImage, sizing: Sizing) -> Plan:
    """Bring the picture to a suitable size, and undo that at the end. Its alpha stays as it is."""
    image = task.image
    inputs = {"image": digest_of(image)}
    if task.strength == 0:
        same = Placed(convert_picture(image, task.result_format))
        return Plan("image-to-image", image.width, image.height, lambda _: same, inputs=inputs, unchanged=same)
    rgb, alpha = read_rgb(image)
    fit = fitting(image.width, image.height, sizing, task.seamless)

    def finish(painted: Floats) -> Placed:
        return Placed(write_picture(fit.undone(painted), alpha, task.result_format, image.colour_space))

    return Plan(
        "image-to-image",
        fit.width,
        fit.height,
        finish,
        start=fit.view.seen(over_neutral(rgb, alpha)),
        strength=task.strength,
        inputs=inputs,
        seamless=task.seamless,
        view=fit.view,
    )


def over_neutral(rgb: Floats, alpha: Floats | None) -> Floats:
    """Colours over mid grey: what lies under transparent pixels is arbitrary and would mislead a model."""
    if alpha is None or bool((alpha == 1).all()):
        return rgb
    return 0.5 + (rgb - 0.5) * alpha[..., None]
