# SPDX-License-Identifier: GPL-3.0-or-later
"""From the form's entries and the document's layers to the guides of a task."""

from __future__ import annotations

from collections.abc import Mapping

from .form import Form
from .guides import REFERENCE, ControlEntry, RegionEntry
from .host import OpenDocument
from .modes import MANNERS
from .request import Plan, Rect
from .vendored import errors, pixels, tasks


def read_guides(document: OpenDocument, plan: Plan, form: Form, types: Mapping[str, str]) -> dict[str, object]:
    """Fields of the task that say what guides it, with the layers' pixels as they are now.

    Args:
        types: of the daemon's adapters, by their ids.

    Raises:
        BridgeError: `invalid_field` for a layer that is gone or empty, and for a control without an adapter.
    """
    regions = ()
    if MANNERS[plan.mode].reads_prompt:
        found = [_region(document, plan.result, entry) for entry in form.regions if entry.prompt.strip()]
        regions = tuple(region for region in found if region is not None)
    return {
        "controls": tuple(_control(document, plan.result, entry, types) for entry in form.controls),
        "regions": regions,
    }


def _control(document: OpenDocument, area: Rect, entry: ControlEntry, types: Mapping[str, str]) -> tasks.Control:
    bounds = _bounds(document, entry, "controls")
    if not entry.adapter:
        raise _refused(
            "A control layer has no model.", "Choose one under Guides, or take the control away.", "controls"
        )
    # A reference is looked at as a whole; any other control lies over the picture.
    area = bounds if types.get(entry.adapter) == REFERENCE else area
    if bounds.empty:
        raise _refused(f"The layer “{entry.name}” is empty.", "Draw on it, or choose another one.", "controls")
    picture = pixels.Picture(
        area.width, area.height, pixels.PixelFormat.BGRA8, document.layer_pixels(entry.layer, area)
    )
    start, end = sorted((entry.start, entry.end))
    return tasks.Control(
        image=picture,
        adapter=entry.adapter,
        preprocess="" if entry.shows else entry.preprocess,
        shows=entry.shows,
        strength=entry.strength / 100,
        start=start / 100,
        end=end / 100,
    )


def _region(document: OpenDocument, area: Rect, entry: RegionEntry) -> tasks.Region | None:
    """None where the layer covers nothing of what is made."""
    _bounds(document, entry, "regions")
    mask = bytes(document.layer_pixels(entry.layer, area))[3::4]
    if mask.count(0) == len(mask):
        return None
    picture = pixels.Picture(area.width, area.height, pixels.PixelFormat.GRAY8, mask)
    return tasks.Region(mask=picture, prompt=entry.prompt.strip(), strength=entry.strength / 100)


def _bounds(document: OpenDocument, entry: ControlEntry | RegionEntry, field: str) -> Rect:
    if not document.has_layer(entry.layer):
        raise _refused(
            f"The layer “{entry.name}” is not in this picture any more.",
            "Choose another one under Guides, or take the entry away.",
            field,
        )
    return document.place_of_layer(entry.layer)


def _refused(message: str, hint: str, field: str) -> errors.BridgeError:
    return errors.BridgeError(errors.ErrorCode.INVALID_FIELD, message, hint=hint, field=field)
