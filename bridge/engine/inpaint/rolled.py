"""Repainting a part of a picture that continues across its own sides.

The canvas is rolled until the part lies in the middle, so that what is beyond an edge is context like any other, and
rolled back at the end. Only where the model has to see the whole canvas does it have to look round the edge itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bridge.engine.conversion import Channels, Floats, channels_of, picture_of
from bridge.engine.plan import Placed, Plan, Sizing, View

from .context import Rect, bounds_of
from .region import Region, plan_region


def plan_seamless_region(region: Region, sizing: Sizing) -> Plan:
    """The plan for a region of a canvas that continues across `region.seamless`."""
    if region.seamless == "none" or region.strength == 0:
        return plan_region(region, sizing)
    rows, columns = _shifts(region)
    if not (rows or columns):
        return plan_region(region, sizing)
    selection = np.roll(region.selection, (rows, columns), (0, 1))
    bounds = bounds_of(selection) or region.bounds
    canvas = np.roll(region.canvas, (rows, columns), (0, 1))
    plan = plan_region(replace(region, canvas=canvas, selection=selection, bounds=bounds, offset=(0, 0)), sizing)

    def finish(painted: Floats) -> Placed:
        return _rolled_back(plan.finish(painted), rows, columns, region)

    return replace(plan, finish=finish, view=None if plan.view is None else _rolled_view(plan.view, rows, columns))


def _rolled_view(view: View, rows: int, columns: int) -> View:
    return replace(view, seen=lambda picture: view.seen(np.roll(picture, (rows, columns), (0, 1))))


def _shifts(region: Region) -> tuple[int, int]:
    """By how many rows and columns to roll the canvas down and right."""
    height, width = region.selection.shape
    reach = region.ramps.reach + region.margin
    box, used = region.bounds, region.selection > 0
    rows = _shift(np.asarray(used.any(axis=1)), box.y - reach < 0 or box.bottom + reach > height)
    columns = _shift(np.asarray(used.any(axis=0)), box.x - reach < 0 or box.right + reach > width)
    return rows * ("y" in region.seamless), columns * ("x" in region.seamless)


def _shift(used: Channels, near_edge: bool) -> int:
    """How far to roll so that the middle of the longest unused stretch, seen round the edge, comes to the edge."""
    if not near_edge or used.all() or not used.any():
        return 0
    places = np.flatnonzero(used)
    gaps = np.diff(np.append(places, places[0] + len(used)))
    widest = int(np.argmax(gaps))
    middle = int(places[widest]) + 1 + int(gaps[widest] - 1) // 2
    return -middle % len(used)


def _rolled_back(placed: Placed, rows: int, columns: int, region: Region) -> Placed:
    """The result where it belongs; one that lies across an edge is as large as the canvas."""
    height, width = region.selection.shape
    picture = placed.picture
    whole = np.zeros((height, width, picture.format.channels), channels_of(picture).dtype)
    rect = Rect(placed.x, placed.y, picture.width, picture.height)
    whole[rect.rows_columns] = channels_of(picture)
    whole = np.roll(whole, (-rows, -columns), (0, 1))
    offset_x, offset_y = region.offset
    x, across_x = _place(rect.x - columns, rect.width, width)
    y, across_y = _place(rect.y - rows, rect.height, height)
    if region.extent == "layer":
        box = Rect(0 if across_x else x, 0 if across_y else y, width, height)
        box = box._replace(
            width=width if across_x else rect.width,
            height=height if across_y else rect.height,
        )
        cut = picture_of(whole[box.rows_columns], picture.format, picture.colour_space)
        return Placed(cut, box.x + offset_x, box.y + offset_y)
    return Placed(picture_of(whole, picture.format, picture.colour_space), offset_x, offset_y)


def _place(start: int, length: int, limit: int) -> tuple[int, bool]:
    """Where a span begins after rolling, and whether it lies across the edge."""
    start %= limit
    return start, start + length > limit
