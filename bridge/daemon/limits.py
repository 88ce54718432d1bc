"""Whether a request keeps to the daemon's limits."""

from __future__ import annotations

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import Limits
from bridge.protocol.tasks import Generation, Outpaint, Task, TextToImage, Upscale

from .jobs import pictures_of


def check_limits(task: Task, limits: Limits) -> None:
    """Refuse what is too large.

    Raises:
        BridgeError: `too_many_steps`, `too_many_images` or `too_many_pixels`, with the field.
    """
    if isinstance(task, Generation) and task.steps is not None and task.steps > limits.steps:
        raise BridgeError(
            ErrorCode.TOO_MANY_STEPS,
            f"{task.steps} steps are more than this daemon allows.",
            hint=f"Ask for at most {limits.steps}.",
            field="task.steps",
        )
    if task.images > limits.images:
        raise BridgeError(
            ErrorCode.TOO_MANY_IMAGES,
            f"{task.images} images are more than this daemon makes in one job.",
            hint=f"Ask for at most {limits.images}, or send several jobs.",
            field="task.images",
        )
    sizes = [(f"task.{name}", picture.width, picture.height) for name, picture in pictures_of(task)]
    if isinstance(task, TextToImage):
        sizes.append(("task.width", task.width, task.height))
    if isinstance(task, Outpaint):
        width = task.image.width + task.left + task.right
        height = task.image.height + task.top + task.bottom
        sizes.append(("task.image", width, height))
    if isinstance(task, Upscale):
        sizes.append(("task.scale", round(task.image.width * task.scale), round(task.image.height * task.scale)))
    for field, width, height in sizes:
        if width * height > limits.pixels:
            raise BridgeError(
                ErrorCode.TOO_MANY_PIXELS,
                f"A picture of {width} × {height} is larger than this daemon accepts.",
                hint=f"At most {limits.pixels / 1e6:.1f} megapixels.",
                field=field,
            )
