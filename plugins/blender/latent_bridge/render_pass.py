# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders through image-to-image: the last one as an image, the frames of an animation as files beside them."""

from __future__ import annotations

import functools
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import bpy

from . import delivery, images, requests, session
from .frames import Frame, FrameFeed
from .jobs import Goal, JobView
from .pictures import HostPixels, picture_of
from .vendored import errors

RESULT = "Render Result"


class _Feed:
    """The animation under way, if there is one, and what all of its frames share."""

    feed: FrameFeed | None = None
    wishes: requests.Wishes = requests.Wishes()


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


def restyle_frames(scene: bpy.types.Scene, frames: list[Frame]) -> int:
    """Queue files that were rendered; all get the same seed. Returns how many there are."""
    settings = scene.latent_bridge
    feed = _Feed.feed
    if feed is None or not feed.left:
        _Feed.wishes = settings.wishes(settings.render_strength, images=1, seamless="none")
        feed = _Feed.feed = FrameFeed(_begin)
    feed.add(frames)
    return len(frames)


def rendered_frames(scene: bpy.types.Scene) -> list[Frame]:
    """The files of the scene's frame range that exist."""
    numbers = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    frames = [frame_at(scene, number) for number in numbers]
    return [frame for frame in frames if frame.source.is_file()]


def frame_at(scene: bpy.types.Scene, number: int) -> Frame:
    """Where Blender puts a frame."""
    return Frame(number, Path(bpy.path.abspath(scene.render.frame_path(frame=number))))


def stop() -> None:
    """Send no more frames."""
    if _Feed.feed is not None:
        _Feed.feed.stop()


def _begin(frame: Frame) -> None:
    held, wishes = _read_file(frame.source), _Feed.wishes
    session.current().submit(
        lambda: requests.edit(wishes, picture_of(held)),
        f"Frame {frame.number}",
        delivery.here(Goal.RENDER, frame=frame.number),
        on_end=functools.partial(_frame_done, frame),
    )


def _frame_done(frame: Frame, job: JobView) -> None:
    if _Feed.feed is not None:
        _Feed.feed.ended()
    if job.variants:
        file = job.variants[0].file
        path = frame.result.with_suffix(".exr") if file.startswith(images.EXR) else frame.result
        present = session.current()
        present.connection.in_background(
            lambda: path.write_bytes(file), lambda _, error: present.described(job.id, str(error or f"In {path}"))
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
        return _read_file(Path(name))
    except RuntimeError as error:
        raise _no_render() from error
    finally:
        for key, value in before.items():
            setattr(settings, key, value)
        os.unlink(name)


def _read_file(path: Path) -> HostPixels:
    """A picture's pixels, by way of a data-block that does not stay."""
    image = bpy.data.images.load(str(path))
    try:
        return replace(images.read(image), linear=image.is_float)
    finally:
        bpy.data.images.remove(image)


def _no_render() -> errors.BridgeError:
    return errors.BridgeError(errors.ErrorCode.INVALID_FIELD, "There is no render yet.", hint="Render first (F12).")
