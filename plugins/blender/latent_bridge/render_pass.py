# SPDX-License-Identifier: GPL-3.0-or-later
"""The last render through image-to-image, as an image; the frames of an animation: see `animation`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import bpy

from . import delivery, images, requests, session
from .jobs import Goal, JobView
from .pictures import HostPixels, picture_of
from .vendored import errors

RESULT = "Render Result"


def restyle_still(scene: bpy.types.Scene) -> JobView:
    """Queue the last render. Raises `BridgeError` when there is none."""
    held = _last_render(scene)
    settings = scene.latent_bridge
    wishes = settings.wishes(settings.render_strength, seamless="none")
    title = wishes.prompt or "Render"
    return session.current().submit(
        lambda: requests.edit(wishes, picture_of(held)),
        title,
        delivery.here(Goal.RENDER, image=f"Render {scene.frame_current}", frame=scene.frame_current),
        wishes.images,
    )


def _last_render(scene: bpy.types.Scene) -> HostPixels:
    """The render as it is seen, 8 bits. Blender gives its pixels to files only."""
    result = bpy.data.images.get(RESULT)
    if result is None:
        raise _no_render()
    handle, name = tempfile.mkstemp(suffix=".png")
    os.close(handle)
    settings = scene.render.image_settings
    before = {
        key: getattr(settings, key)
        for key in ("media_type", "file_format", "color_mode", "color_depth")
        if hasattr(settings, key)
    }
    try:
        for key, value in (
            ("media_type", "IMAGE"),
            ("file_format", "PNG"),
            ("color_mode", "RGBA"),
            ("color_depth", "8"),
        ):
            if key in before:
                setattr(settings, key, value)
        result.save_render(name, scene=scene)
        return read_file(Path(name))
    except RuntimeError as error:
        raise _no_render() from error
    finally:
        for key, value in before.items():
            setattr(settings, key, value)
        os.unlink(name)


def read_file(path: Path) -> HostPixels:
    """A picture's pixels, by way of a data-block that does not stay.

    Raises:
        BridgeError: `invalid_field` when it is no picture, or is not there.
    """
    try:
        image = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise errors.BridgeError(errors.ErrorCode.INVALID_FIELD, f"{path} cannot be read.") from error
    try:
        return images.read(image)
    finally:
        bpy.data.images.remove(image)


def _no_render() -> errors.BridgeError:
    return errors.BridgeError(errors.ErrorCode.INVALID_FIELD, "There is no render yet.", hint="Render first (F12).")
