"""The tasks `inpaint` and `outpaint` in terms of a region to repaint."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bridge.engine.conversion import channels_of
from bridge.engine.plan import Plan, Sizing
from bridge.engine.recipe_inputs import digest_of
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import PixelFormat
from bridge.protocol.tasks import FillMethod, Inpaint, Outpaint, ResultExtent

from .context import Rect, bounds_of, default_context
from .masks import Ramps, default_feather, inpaint_ramps, outpaint_ramps
from .region import Region
from .rolled import plan_seamless_region

GROW_BEYOND_FEATHER = 4
MAX_DEFAULT_BLEND = 25
OUTPAINT_BLEND = 16
OUTPAINT_FEATHER = 64
"""Width inside the picture over which an outpainted part may still adapt what it touches, in px."""


def plan_inpaint(task: Inpaint, sizing: Sizing, native_inpaint: bool) -> Plan:
    """The plan for repainting the masked part.

    Raises:
        BridgeError: `invalid_field` for a mask that does not fit the picture or selects nothing.
    """
    bounds = checked_bounds(task)
    ramps, resolved = _inpaint_ramps(task, bounds)
    image = task.image
    margin = default_context(bounds, image.width, image.height) if task.context is None else task.context
    fill: FillMethod = task.fill or ("blur" if task.strength > 0.7 else "original")
    return plan_seamless_region(
        Region(
            canvas=channels_of(image),
            pixel_format=image.format,
            colour_space=image.colour_space,
            selection=channels_of(task.mask)[..., 0],
            bounds=bounds,
            offset=(0, 0),
            ramps=ramps,
            margin=margin,
            snug=task.context is not None,
            fill=fill,
            strength=task.strength,
            colour_match=task.colour_match,
            extent=task.extent,
            result_format=task.result_format,
            native_inpaint=native_inpaint,
            inputs={"image": digest_of(image), "mask": digest_of(task.mask)},
            resolved={**resolved, "context": margin},
            seamless=task.seamless,
        ),
        sizing,
    )


def plan_outpaint(task: Outpaint, sizing: Sizing, native_inpaint: bool) -> Plan:
    """The plan for extending the picture.

    Raises:
        BridgeError: `invalid_field` when no side is to be extended.
    """
    check_sides(task)
    image = task.image
    sides = ((task.top, task.bottom), (task.left, task.right))
    canvas = np.pad(channels_of(image), (*sides, (0, 0)))
    selection = np.pad(np.zeros((image.height, image.width), np.uint8), sides, constant_values=255)
    bounds = bounds_of(selection) or Rect(0, 0, canvas.shape[1], canvas.shape[0])
    blend = OUTPAINT_BLEND if task.blend is None else task.blend
    return plan_seamless_region(
        Region(
            canvas=canvas,
            pixel_format=image.format,
            colour_space=image.colour_space,
            selection=selection,
            bounds=bounds,
            offset=(-task.left, -task.top),
            ramps=outpaint_ramps(blend, OUTPAINT_FEATHER),
            margin=default_context(bounds, canvas.shape[1], canvas.shape[0]),
            snug=False,
            fill=task.fill or "border",
            strength=task.strength,
            colour_match=task.colour_match,
            extent=task.extent,
            result_format=task.result_format,
            native_inpaint=native_inpaint,
            inputs={"image": digest_of(image)},
            resolved={"blend": blend},
            seamless=task.seamless,
        ),
        sizing,
    )


def check_sides(task: Outpaint) -> None:
    """Raise `BridgeError` (`invalid_field`) when no side is to be extended."""
    if not (task.left or task.top or task.right or task.bottom):
        raise BridgeError(
            ErrorCode.INVALID_FIELD,
            "No side of the picture is to be extended.",
            hint="Give at least one of left, top, right and bottom.",
            field="task.left",
        )


def check_extent(extent: ResultExtent, result_format: PixelFormat) -> None:
    """Raise `BridgeError` (`invalid_field`) when the result is to be a layer in a format without alpha."""
    if extent == "layer" and not result_format.has_alpha:
        raise BridgeError(
            ErrorCode.INVALID_FIELD,
            f"A layer needs alpha, which {result_format.value} does not have.",
            hint='Ask for rgba8, or for the whole picture with extent "canvas".',
            field="task.result_format",
        )


def checked_bounds(task: Inpaint) -> Rect:
    """The bounds of the selection. Raises `BridgeError` (`invalid_field`) for a mask that cannot be used."""
    mask, image = task.mask, task.image
    if mask.format is not PixelFormat.GRAY8:
        raise _bad_mask(f"The mask is {mask.format.value}.", "A mask is gray8: 255 repaints, 0 keeps.")
    if (mask.width, mask.height) != (image.width, image.height):
        raise _bad_mask(
            f"The mask has {mask.width} × {mask.height} pixels, the picture {image.width} × {image.height}.",
            "Both need the same size.",
        )
    bounds = bounds_of(channels_of(mask)[..., 0])
    if bounds is None:
        raise _bad_mask("The mask selects nothing.", "Select what is to be repainted; 255 repaints, 0 keeps.")
    return bounds


def _inpaint_ramps(task: Inpaint, bounds: Rect) -> tuple[Ramps, Mapping[str, object]]:
    feather = default_feather(bounds) if task.feather is None else task.feather
    grow = GROW_BEYOND_FEATHER + feather // 2 if task.grow is None else task.grow
    blend = min(MAX_DEFAULT_BLEND, grow + feather // 2) if task.blend is None else task.blend
    return inpaint_ramps(grow, feather, blend), {"grow": grow, "feather": feather, "blend": blend}


def _bad_mask(message: str, hint: str) -> BridgeError:
    return BridgeError(ErrorCode.INVALID_FIELD, message, hint=hint, field="task.mask")
