"""The way of a region through the model: crop, fill, paint, match, blend. Shared by inpainting and outpainting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from bridge.engine.conversion import Channels, Floats, decode, picture_of, write_picture
from bridge.engine.plan import Placed, Plan, Sizing, View
from bridge.engine.resampling import resize_around, resize_mask
from bridge.protocol.pixels import ColourSpace, PixelFormat
from bridge.protocol.tasks import FillMethod, ResultExtent, Seamless

from .colour_match import match_seam, take_out_drift
from .composite import composite
from .context import Rect, bounds_of, compute_size, crop_rect
from .fill import Bools, fill
from .masks import Ramps, build_masks


@dataclass(frozen=True)
class Region:
    """What is to be repainted, and how.

    Attributes:
        canvas: (height, width, channels) in its own format; only read.
        selection: (height, width) uint8, 255 repaints.
        bounds: of the selection.
        offset: where the canvas's top left corner lies in the coordinates of the result.
        margin: surroundings to show on every side, in px.
        snug: the crop has the margin and nothing more, because somebody asked for that margin.
        native_inpaint: the model takes a mask itself.
        seamless: sides across which the canvas continues.
    """

    canvas: Channels
    pixel_format: PixelFormat
    colour_space: ColourSpace
    selection: Channels
    bounds: Rect
    offset: tuple[int, int]
    ramps: Ramps
    margin: int
    snug: bool
    fill: FillMethod
    strength: float
    colour_match: bool
    extent: ResultExtent
    result_format: PixelFormat
    native_inpaint: bool
    inputs: Mapping[str, str]
    resolved: Mapping[str, object]
    seamless: Seamless = "none"


@dataclass(frozen=True)
class _Crop:
    """A region's crop of the canvas, with everything at the canvas's resolution."""

    rect: Rect
    rgb: Floats
    opaque: Bools
    selection: Floats
    change: Floats
    blend: Floats
    seamless: Seamless


def plan_region(region: Region, sizing: Sizing) -> Plan:
    """The plan for a region."""
    crop = _cut(region, sizing)
    if region.strength == 0:
        same = _placed(region, crop, None)
        size = (crop.rect.width, crop.rect.height)
        return Plan("image-to-image", *size, lambda _: same, inputs=region.inputs, unchanged=same)
    width, height = compute_size(crop.rect, sizing)
    width = sizing.around(width) if "x" in crop.seamless else width
    height = sizing.around(height) if "y" in crop.seamless else height

    def finish(painted: Floats) -> Placed:
        result = resize_around(painted, crop.rect.width, crop.rect.height, crop.seamless)
        if region.colour_match:
            where = (crop.rgb, crop.change, crop.selection > 0, crop.opaque)
            if region.fill != "original":
                result = take_out_drift(result, *where)
            result = match_seam(result, *where)
        return _placed(region, crop, result)

    def seen(picture: Floats) -> Floats:
        return resize_around(picture[crop.rect.rows_columns], width, height, crop.seamless)

    change = resize_mask(crop.change, width, height)
    return Plan(
        mode="inpaint" if region.native_inpaint else "image-to-image",
        width=width,
        height=height,
        finish=finish,
        start=_filled(region, crop, width, height),
        strength=region.strength,
        change=(change >= 0.5).astype(np.float32) if region.native_inpaint else change,
        inputs=region.inputs,
        resolved={**region.resolved, "fill": region.fill, "result_format": _result_format(region).value},
        seamless=crop.seamless,
        view=View(region.canvas.shape[1], region.canvas.shape[0], seen),
    )


def _result_format(region: Region) -> PixelFormat:
    """A finished canvas keeps its own format."""
    return region.pixel_format if region.extent == "canvas" else region.result_format


def _cut(region: Region, sizing: Sizing) -> _Crop:
    height, width = region.selection.shape
    needed = region.bounds.grown(region.ramps.reach, width, height)
    smallest = 0 if region.snug else sizing.native // 2
    rect = crop_rect(needed, region.margin, smallest, sizing.multiple, width, height)
    rgb, alpha = decode(region.canvas[rect.rows_columns], region.pixel_format, region.colour_space)
    if alpha is not None:
        # What lies under transparent pixels is arbitrary and would mislead the model.
        rgb = (0.5 + (rgb - 0.5) * alpha[..., None]).astype(np.float32)
    opaque = np.ones(rgb.shape[:2], bool) if alpha is None else alpha > 0.99
    selection = region.selection[rect.rows_columns].astype(np.float32) / np.float32(255)
    sides = _sides_of(rect, width, height, region.seamless)
    change, blend = _masks_around(selection, region.ramps, sides)
    return _Crop(rect, rgb, opaque, selection, change, blend, sides)


def _masks_around(selection: Floats, ramps: Ramps, sides: Seamless) -> tuple[Floats, Floats]:
    """As `build_masks`, reaching round the edge on `sides`."""
    height, width = selection.shape
    rows, columns = min(ramps.reach, height) * ("y" in sides), min(ramps.reach, width) * ("x" in sides)
    around = np.pad(selection, ((rows, rows), (columns, columns)), mode="wrap")
    change, blend = build_masks(around, ramps)
    inside = slice(rows, rows + height), slice(columns, columns + width)
    return change[inside], blend[inside]


def _sides_of(rect: Rect, width: int, height: int, sides: Seamless) -> Seamless:
    """The sides across which a crop of a seamless canvas continues: those that it covers from edge to edge."""
    across_x, across_y = "x" in sides and rect.width == width, "y" in sides and rect.height == height
    if across_x and across_y:
        return "xy"
    return "x" if across_x else "y" if across_y else "none"


def _filled(region: Region, crop: _Crop, width: int, height: int) -> Floats:
    if region.fill == "original":
        return resize_around(crop.rgb, width, height, crop.seamless)
    # Fill before scaling as well as after, so that scaling does not draw the old content over the rim.
    hole = crop.selection > 0
    if (width, height) == (crop.rect.width, crop.rect.height):
        return fill(crop.rgb, hole, region.fill)
    quiet = resize_around(fill(crop.rgb, hole, "border"), width, height, crop.seamless)
    small_hole = ndimage.binary_dilation(resize_mask(hole.astype(np.float32), width, height) > 0)
    return fill(quiet, small_hole, region.fill)


def _placed(region: Region, crop: _Crop, painted: Floats | None) -> Placed:
    """The result in the extent asked for; without painted pixels it shows the canvas as it is."""
    rect = crop.rect
    if region.extent == "canvas":
        finished = region.canvas
        if painted is not None:
            finished = region.canvas.copy()
            patch = region.canvas[rect.rows_columns]
            finished[rect.rows_columns] = composite(
                patch, region.pixel_format, region.colour_space, painted, crop.blend
            )
        return Placed(picture_of(finished, region.pixel_format, region.colour_space), *region.offset)
    box = bounds_of(crop.blend) or Rect(0, 0, rect.width, rect.height)
    colours = (crop.rgb if painted is None else painted)[box.rows_columns]
    picture = write_picture(colours, crop.blend[box.rows_columns], region.result_format, region.colour_space)
    return Placed(picture, rect.x + box.x + region.offset[0], rect.y + box.y + region.offset[1])
