"""Which plan a task becomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import Generation, ImageToImage, Inpaint, Outpaint, TextToImage, Upscale

from .adapters.guidance import check_controls
from .inpaint.tasks import check_extent, check_sides, checked_bounds, plan_inpaint, plan_outpaint
from .latent_grid import pixels_per_patch
from .models.loading import LoadedModel
from .plan import Plan, Sizing
from .regions.shares import check_regions
from .seamless import wrap_multiple
from .upscale.high_resolution import needs_tiles, needs_two_passes, plan_tiled_image_to_image, plan_two_passes
from .upscale.tasks import plan_upscale
from .upscale.tiled_model import works_in_tiles
from .whole_picture import plan_image_to_image, plan_text_to_image


def check_task(task: Generation, adapters: Sequence[AdapterSource] = ()) -> None:
    """Refuse what cannot be done with any model, before one is loaded.

    Raises:
        BridgeError: `invalid_field` or `task_unsupported`, naming the field.
    """
    check_controls(task.controls, adapters)
    check_regions(task.regions)
    match task:
        case Inpaint():
            checked_bounds(task)
            check_extent(task.extent, task.result_format)
        case Outpaint():
            check_sides(task)
            check_extent(task.extent, task.result_format)


def plan_for(task: Generation, model: LoadedModel) -> Plan:
    """The plan for a task.

    Raises:
        BridgeError: `invalid_field`, naming the field, when the task cannot be done as asked; `task_unsupported`
            when the model cannot do it.
    """
    sizing = sizing_of(model)
    match task:
        case Upscale():
            return plan_upscale(task, sizing)
        case TextToImage() if needs_two_passes(task, sizing) and _in_tiles(model):
            return plan_two_passes(task, sizing)
        case ImageToImage() if needs_tiles(task, sizing) and _in_tiles(model):
            return plan_tiled_image_to_image(task, sizing)
        case TextToImage():
            return plan_text_to_image(task, sizing)
        case ImageToImage():
            return plan_image_to_image(task, sizing)
        case Inpaint():
            return plan_inpaint(task, sizing, model.is_inpaint_model)
        case Outpaint():
            return plan_outpaint(task, sizing, model.is_inpaint_model)
    raise BridgeError(ErrorCode.TASK_UNSUPPORTED, f"The engine knows no task {type(task).__name__}.")


def _in_tiles(model: LoadedModel) -> bool:
    """Whether a picture that is too large for the model may be painted in tiles."""
    if model.is_inpaint_model:
        return False
    try:
        return works_in_tiles(model.pipeline("image-to-image"))
    except BridgeError:
        return False  # It has no such pipeline, and has to do all at once.


def sizing_of(model: LoadedModel) -> Sizing:
    """What the model's catalogue entry and its own structure say about sizes."""
    pipe: Any = model.base
    own = pixels_per_patch(pipe)
    multiple = math.lcm(own, model.source.size_multiple)
    return Sizing(model.source.native_size, multiple, own * wrap_multiple(pipe), model.source.whole_size)
