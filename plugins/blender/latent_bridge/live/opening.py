# SPDX-License-Identifier: GPL-3.0-or-later
"""Canvases that other programs have made: each becomes an image, shown in an editor or worn by an object."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from .. import delivery, materials, session
from ..vendored import canvases, errors
from . import sharing
from .share import CANVAS


@dataclass(frozen=True)
class Place:
    """Where the image goes, by what stays valid while the daemon is asked.

    Attributes:
        object: name of the object that is to wear it; may be empty.
        editor: address of the Image Editor that is to show it; 0 for none.
    """

    object: str = ""
    editor: int = 0


def open_canvas(name: str, place: Place) -> None:
    """Make an image of a canvas.

    Raises:
        BridgeError: `invalid_field` when it is open here already or has no name; `forbidden`.
    """
    image = next((each for each in bpy.data.images if each.get(CANVAS) == name), None)
    if image is not None or not name:
        problem = f"That canvas is the image “{image.name}” already." if image is not None else "No canvas is chosen."
        raise errors.BridgeError(errors.ErrorCode.INVALID_FIELD, problem, field="canvas")
    present = session.current()
    present.open()

    def answered(info: canvases.CanvasInfo | None, error: errors.BridgeError | None) -> None:
        sharing.current().message = str(error or "")
        if info is not None:
            _put(sharing.current().adopt(info), place)
            delivery.push_undo("Open canvas")

    present.connection.ask(lambda bridge: _info_of(bridge, name), answered)


def _info_of(bridge: object, name: str) -> canvases.CanvasInfo:
    info = next((each for each in bridge.list_canvases() if each.name == name), None)
    if info is None:
        raise errors.BridgeError(errors.ErrorCode.UNKNOWN_CANVAS, f"The daemon has no canvas “{name}”.")
    return info


def _put(image: bpy.types.Image, place: Place) -> None:
    wearer = bpy.data.objects.get(place.object)
    if wearer is not None and hasattr(wearer.data, "materials"):
        materials.wire_base_colour(materials.slot_material(wearer, wearer.active_material_index), image)
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.as_pointer() == place.editor and area.type == "IMAGE_EDITOR":
                area.spaces.active.image = image
    delivery.redraw()
