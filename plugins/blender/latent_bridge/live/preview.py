# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model makes of a shared image while it is painted: frames in an image beside it."""

from __future__ import annotations

import random
from typing import Any

import bpy

from ..properties import MAX_SEED
from ..requests import Wishes
from ..vendored import areas, live, pixels
from .buffer import make_buffer

SHOWN_SIDE = 2048
"""Longest side of frames, pixels."""
RATE = 15.0
"""Most frames in a second; each costs the main thread a few milliseconds."""
SHOWS = "latent_bridge_live_of"
"""Custom property of an image with frames: the name of the image that they were made of."""


def source_of(image: bpy.types.Image | None) -> bpy.types.Image | None:
    """The image that is painted on, for one that shows its frames too."""
    return bpy.data.images.get(image.get(SHOWS, ""), image) if image is not None else None


def settings_of(wishes: Wishes, seed: int) -> live.LiveSettings:
    """What the panel's fields mean for live generation; with the same seed frames differ by what is painted alone."""
    return live.LiveSettings(
        prompt=wishes.prompt.strip(),
        negative_prompt=wishes.negative_prompt.strip(),
        model=wishes.model,
        seed=seed,
        strength=max(wishes.strength, 0.01),
        steps=wishes.steps or None,
        guidance_scale=wishes.guidance_scale or None,
    )


class Preview:
    """Live generation on a canvas. The two callbacks run on the client's thread and only leave something behind.

    Attributes:
        on: whether frames are wanted here.
        area: the part of the canvas that it covers; None before the first.
        seed: of all frames, unless the fields say one.
    """

    def __init__(self, canvas: Any) -> None:
        self._live = canvas.live
        self.on = False
        self.seed = random.randint(0, MAX_SEED)
        self.area: areas.Area | None = None
        self._settings: live.LiveSettings | None = None
        self._newest: live.LiveFrame | None = None
        self._told = self._has_run = False
        self._buffer: Any = None
        self._live.on_frame = self._frame
        self._live.on_info = self._info

    @property
    def info(self) -> live.LiveInfo:
        """Where it stands; another program may have begun it."""
        return self._live.info

    @property
    def problem(self) -> str:
        """Why there are no frames; empty when all is well."""
        if self._live.error is not None:
            return str(self._live.error)
        reason = self.info.reason
        return f"{reason.message} {reason.hint}".strip() if reason is not None else ""

    def wanted(self, fields: bpy.types.PropertyGroup) -> live.LiveSettings:
        """What the panel's fields mean."""
        return settings_of(fields.wishes(), fields.seed if fields.fixed_seed else self.seed)

    def start(self, fields: bpy.types.PropertyGroup) -> None:
        """Begin, or join what another program has begun and leave its settings."""
        self.on, self._settings = True, self.wanted(fields)
        self._live.watch(SHOWN_SIDE, RATE)
        if self.info.state == "off":
            self._live.start(self._settings)

    def adjust(self, fields: bpy.types.PropertyGroup) -> None:
        """The fields may be others now: go on with them, without a break."""
        settings = self.wanted(fields)
        if self.on and settings != self._settings:
            self._settings = settings
            self._live.start(settings)

    def stop(self) -> None:
        """End it, for everybody."""
        if self.on:
            self.on = False
            self._live.stop()
            self._live.unwatch()

    def tick(self, image: bpy.types.Image) -> bool:
        """Show the newest frame; returns whether anything is to be drawn anew."""
        told, self._told = self._told, False
        frame, self._newest = self._newest, None
        if told and self._has_run and self.info.state == "off":
            self.on = False  # somebody else has ended it
            self._live.unwatch()
        self._has_run = self.on and self.info.state != "off"
        if frame is not None and self.on:
            self._show(self.image_of(image), frame)
        return told or frame is not None

    def image_of(self, image: bpy.types.Image) -> bpy.types.Image:
        """The image with the frames, made when there is none."""
        name = preview_name(image)
        shown = bpy.data.images.get(name) or bpy.data.images.new(name, 8, 8, alpha=True)
        if shown.get(SHOWS) != image.name:
            shown[SHOWS] = image.name
        return shown

    def _show(self, shown: bpy.types.Image, frame: live.LiveFrame) -> None:
        picture = frame.picture
        size = picture.width, picture.height
        if tuple(shown.size) != size:
            shown.scale(*size)
        if self._buffer is None or (self._buffer.width, self._buffer.height) != size:
            self._buffer = make_buffer(*size)
        self._buffer.write(areas.Area(0, 0, *size), rgba(picture))
        shown.pixels.foreach_set(self._buffer.values)
        wanted = shown_size(frame.area)
        if wanted != size:  # drafts are smaller: what is shown must not jump from one size to another
            shown.scale(*wanted)
        shown.update()
        self.area = frame.area

    def _frame(self, frame: live.LiveFrame) -> None:
        self._newest = frame  # one that was not shown yet is out of date

    def _info(self, info: live.LiveInfo) -> None:
        self._told = True


def shown_size(area: areas.Area) -> tuple[int, int]:
    """Width and height at which the frames of an area are shown, pixels."""
    scale = min(1.0, SHOWN_SIDE / max(area.width, area.height))
    return max(1, round(area.width * scale)), max(1, round(area.height * scale))


def preview_name(image: bpy.types.Image) -> str:
    """Name of the image that shows the frames of another."""
    return f"{image.name[:55]} live"


def rgba(picture: pixels.Picture) -> bytes:
    """The bytes of an rgb8 or rgba8 picture with alpha."""
    if picture.format is pixels.PixelFormat.RGBA8:
        return bytes(picture.pixels)
    data = bytearray(b"\xff" * (picture.width * picture.height * 4))
    for channel in range(3):
        data[channel::4] = bytes(picture.pixels)[channel::3]
    return bytes(data)
