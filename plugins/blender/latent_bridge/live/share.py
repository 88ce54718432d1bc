# SPDX-License-Identifier: GPL-3.0-or-later
"""One image and its canvas. Of all this only `_changed` runs on another thread, and it does no more than to queue."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterable
from typing import Any

import bpy

from .. import images
from ..pictures import HostPixels
from ..vendored import areas, canvases, errors, pixels
from .buffer import CHANNELS, make_buffer
from .preview import Preview

CANVAS = "latent_bridge_canvas"
"""Custom property of a shared image: its canvas's name. It travels in the .blend, so sharing goes on after a load."""
LAYER = "image"
LAYERS = (
    canvases.CanvasLayer(LAYER, format=pixels.PixelFormat.RGBA8),
    canvases.CanvasLayer("mask", role="mask", format=pixels.PixelFormat.GRAY8),
)
"""Of a canvas that is made here. Blender leaves the mask alone; programs with selections repaint what is selected."""
PIECES = 64
"""Of one change; the protocol takes twice as many."""
SHORTEST, IDLE, LONGEST = 0.03, 0.2, 2.0
"""Seconds between two looks at an image: while it changes, while it does not, and at the very most."""
UNPAINTED = 0.8
"""Seconds more where no editor is for painting."""
IDLE_AFTER = 2.0
"""Seconds without a change after which it counts as one that does not."""
LOOKING_SHARE, APPLYING_SHARE = 12, 2
"""A look is not repeated for so many times what it took, nor is taking over what others painted."""


def check(image: bpy.types.Image) -> None:
    """Raise `BridgeError` (`invalid_field`) for an image that cannot be a canvas."""
    special = image.type in {"RENDER_RESULT", "COMPOSITING"} or image.source not in {"FILE", "GENERATED"}
    if special or not all(image.size):
        problem, hint = "has no pixels of its own", "Save it as an ordinary image first."
    elif image.is_float:
        problem, hint = "has floats in linear light", "Canvases have 8 bits: make an image without “32-bit Float”."
    elif image.channels != CHANNELS:
        problem, hint = f"has {image.channels} channels", "Canvases have four: save it as RGBA."
    elif image.library is not None:
        problem, hint = "belongs to another file", "Make it local first."
    else:
        return
    raise errors.BridgeError(errors.ErrorCode.INVALID_FIELD, f"“{image.name}” {problem}.", hint=hint, field="image")


class Share:
    """An image that is a canvas. The image itself is given to every call: data-blocks do not outlive an undo.

    Attributes:
        name: of the canvas.
        canvas: None until the daemon has opened it.
        error: why nothing goes back and forth.
        preview: live generation on it.
        received_seconds: what the main thread last spent on a change by others.
        looked_seconds: what it last spent on looking for changes of its own.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.canvas: Any = None
        self.error: errors.BridgeError | None = None
        self.preview: Preview | None = None
        self.received_seconds = self.looked_seconds = 0.0
        self.closed = False
        self._buffer: Any = None
        self._news: queue.SimpleQueue[areas.Area] = queue.SimpleQueue()
        self._due = self._changed_at = 0.0

    def changed(self, canvas: Any, layer: str, where: tuple[areas.Area, ...], lost: bool) -> None:
        """For the client's thread: others have painted."""
        if layer == LAYER:
            for area in where:
                self._news.put(area)

    def begin(self, image: bpy.types.Image, canvas: Any, *, image_wins: bool) -> HostPixels | None:
        """The daemon has opened the canvas: make both the same.

        Returns:
            What the image was, when the canvas has won and differed.

        Raises:
            BridgeError: `invalid_field` when they do not fit together.
        """
        check(image)
        layer = next((each for each in canvas.layers if each.name == LAYER), None)
        if layer is None or layer.format is not pixels.PixelFormat.RGBA8:
            problem, hint = f"The canvas “{self.name}” has no RGBA layer “{LAYER}”.", "Share under another name."
            raise errors.BridgeError(errors.ErrorCode.INVALID_FIELD, problem, hint=hint)
        if tuple(image.size) != (canvas.width, canvas.height):
            raise self._other_size(image, canvas)
        self.canvas, self.error = canvas, None
        self.preview = Preview(canvas)
        self._buffer = buffer = make_buffer(canvas.width, canvas.height)
        image.pixels.foreach_get(buffer.values)
        theirs = canvas.read()
        buffer.suppose(theirs.pixels)
        differing = buffer.changed()
        if image_wins:
            self._send(differing)
        elif differing:
            held = images.read(image)
            self._take(image, differing)
            return held
        return None

    def tick(self, image: bpy.types.Image, now: float, *, painting: bool = True) -> bool:
        """Exchange what has changed; returns whether others had painted.

        Args:
            image: the image.
            now: by the monotonic clock.
            painting: whether the user may be painting, so that it is worth looking often.
        """
        if self.canvas is None or now < self._due + (0.0 if painting or self.waits else UNPAINTED):
            return False
        self.error = self._problem(image)
        if self.canvas.closed or self.error is not None:
            self._due = now + LONGEST
            return False
        began = time.perf_counter()
        image.pixels.foreach_get(self._buffer.values)
        painted = self._buffer.changed()
        if painted:
            self._send(painted)
        self.looked_seconds = time.perf_counter() - began
        news = self._all_news()
        if news:
            self._take(image, news)
            self.received_seconds = time.perf_counter() - began
        self._plan(now, bool(painted or news), bool(news))
        return bool(news)

    def close(self) -> None:
        """Stop sharing; for others the canvas stays."""
        self.closed = True
        if self.preview is not None:
            self.preview.stop()
        if self.canvas is not None:
            self.canvas.close()

    @property
    def due(self) -> float:
        """When it wants to be looked at again, by the monotonic clock."""
        return self._due

    @property
    def waits(self) -> bool:
        """Whether others have painted something that is not in the image yet."""
        return not self._news.empty()

    def _problem(self, image: bpy.types.Image) -> errors.BridgeError | None:
        if self.canvas.closed:
            return self.canvas.error
        if tuple(image.size) != (self._buffer.width, self._buffer.height):
            return self._other_size(image, self.canvas)
        return None

    def _plan(self, now: float, changed: bool, received: bool) -> None:
        if changed:
            self._changed_at = now
        rest = SHORTEST if now - self._changed_at < IDLE_AFTER else IDLE
        spent = self.received_seconds * APPLYING_SHARE if received else self.looked_seconds * LOOKING_SHARE
        self._due = time.monotonic() + min(max(rest, spent), LONGEST)

    def _all_news(self) -> list[areas.Area]:
        found = []
        while not self._news.empty():
            found.append(self._news.get_nowait())
        return areas.gathered(found)

    def _send(self, where: Iterable[areas.Area]) -> None:
        pieces = [
            (area.x, area.y, pixels.Picture(area.width, area.height, pixels.PixelFormat.RGBA8, self._buffer.read(area)))
            for area in where
        ]
        for start in range(0, len(pieces), PIECES):
            self.canvas.patch_all(pieces[start : start + PIECES], LAYER)

    def _take(self, image: bpy.types.Image, where: Iterable[areas.Area]) -> None:
        # The canvas as it is now, which may be newer than the news: what was painted here is in it as well.
        for area in where:
            self._buffer.write(area, self.canvas.read(area, LAYER).pixels)
        image.pixels.foreach_set(self._buffer.values)
        image.update()
        image.update_tag()

    def _other_size(self, image: bpy.types.Image, canvas: Any) -> errors.BridgeError:
        (width, height), name = image.size, image.name
        return errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD,
            f"“{name}” has {width} × {height} pixels, its canvas {canvas.width} × {canvas.height}.",
            hint="Stop sharing it and share it anew.",
            field="image",
        )
