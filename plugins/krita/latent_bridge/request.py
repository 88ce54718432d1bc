# SPDX-License-Identifier: GPL-3.0-or-later
"""From a document and the form to a task of the protocol, and from a result back to a place in the document. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .form import Form
from .vendored import errors, pixels, tasks

NAME_LENGTH = 80
"""Longest prompt in a layer's name."""


@dataclass(frozen=True)
class Rect:
    """A rectangle of pixels in a document; `right` and `bottom` are exclusive."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def empty(self) -> bool:
        return self.width <= 0 or self.height <= 0

    def clipped(self, other: Rect) -> Rect:
        """The part that lies in `other`; empty when there is none."""
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Rect(x, y, max(0, min(self.right, other.right) - x), max(0, min(self.bottom, other.bottom) - y))

    def contains(self, other: Rect) -> bool:
        return self.x <= other.x and self.y <= other.y and self.right >= other.right and self.bottom >= other.bottom


@dataclass(frozen=True)
class Plan:
    """What will be asked for, before any pixel is read.

    Attributes:
        task: the class of the task.
        crop: the part of the document that is sent; for text-to-image, where the result belongs.
    """

    task: type[tasks.Generation]
    crop: Rect

    @property
    def needs_picture(self) -> bool:
        return self.task is not tasks.TextToImage

    @property
    def needs_mask(self) -> bool:
        return self.task is tasks.Inpaint


def make_plan(canvas: Rect, selection: Rect | None, strength: int, native_size: int) -> Plan:
    """Decide what a press of Generate means.

    Args:
        canvas: the whole document, at the origin.
        selection: bounds of the selection, which may reach beyond the canvas; None when nothing is selected.
        strength: percent.
        native_size: side that the model was made for, pixels.

    Raises:
        BridgeError: `invalid_field` when the selection lies outside the canvas.
    """
    if selection is None:
        return Plan(tasks.TextToImage if strength >= 100 else tasks.ImageToImage, canvas)
    selected = selection.clipped(canvas)
    if selected.empty:
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD,
            "The selection lies outside the picture.",
            hint="Select a part of the picture, or nothing at all for a layer of its size.",
        )
    return Plan(tasks.Inpaint, context_crop(canvas, selected, native_size))


def context_crop(canvas: Rect, selected: Rect, native_size: int) -> Rect:
    """The part of the canvas that is worth sending for a selection.

    The daemon chooses the context that the model sees; this must only be large enough to choose from. Per axis it
    holds the selection with the widest feather on both sides (at most a tenth of its diagonal, at least 32 pixels),
    surroundings as wide as half the selection or a sixteenth of the canvas, and in any case one and a half times
    the model's native side. At the canvas's edge the window moves inwards instead of shrinking.
    """
    feather = max(32, math.ceil(math.hypot(selected.width, selected.height) / 10))
    surroundings = max(math.ceil(max(canvas.width, canvas.height) / 16), (selected.width + selected.height) // 4)
    longest = max(selected.width, selected.height)
    side = max(longest + 2 * (2 * feather + surroundings), native_size) * 3 // 2
    x, width = _window(selected.x, selected.width, side, canvas.width)
    y, height = _window(selected.y, selected.height, side, canvas.height)
    return Rect(x, y, width, height)


def _window(start: int, length: int, side: int, available: int) -> tuple[int, int]:
    """Start and length of a window of `side` around `start` … `start + length`, inside 0 … `available`."""
    if side >= available:
        return 0, available
    centred = start + length // 2 - side // 2
    return min(max(centred, 0), available - side), side


def make_task(plan: Plan, form: Form, picture: pixels.Buffer = b"", mask: pixels.Buffer = b"") -> tasks.Generation:
    """The task for a plan.

    Args:
        plan: from `make_plan`.
        form: the docker's values.
        picture: BGRA, 8 bit, sRGB, of the size of the plan's crop; for tasks that need it.
        mask: one byte a pixel, 255 where all shall be repainted; same size.
    """
    common = {
        "prompt": form.prompt.strip(),
        "negative_prompt": form.negative_prompt.strip(),
        "model": form.model,
        "seed": None if form.random_seed else form.seed,
        "steps": form.steps or None,
        # Krita's own byte order: nobody swizzles in Python.
        "result_format": pixels.PixelFormat.BGRA8,
    }
    width, height = plan.crop.width, plan.crop.height
    if not plan.needs_picture:
        return plan.task(width=width, height=height, **common)
    common["image"] = pixels.Picture(width, height, pixels.PixelFormat.BGRA8, picture)
    common["strength"] = form.strength / 100
    if plan.needs_mask:
        common["mask"] = pixels.Picture(width, height, pixels.PixelFormat.GRAY8, mask)
    return plan.task(**common)


def place_of(plan: Plan, layer: tasks.Layer) -> Rect:
    """Where a result belongs in the document: its offset is counted from the crop that was sent."""
    return Rect(plan.crop.x + layer.x, plan.crop.y + layer.y, layer.picture.width, layer.picture.height)


def layer_name(prompt: str, seed: int) -> str:
    """Name of the layer for a result."""
    words = " ".join(prompt.split()) or "no prompt"
    if len(words) > NAME_LENGTH:
        words = words[: NAME_LENGTH - 1].rstrip() + "…"
    return f"[bridge] {words} ({seed})"


def is_plain_srgb(model: str, depth: str, profile: str) -> bool:
    """Whether a document's own bytes are 8-bit BGRA in sRGB, so that they can be sent as they are.

    Linear and other curves carry `sRGB` in their names too; what is not known for certain is converted by Krita.
    """
    name = profile.lower()
    known = "srgbtrc" in name or name.startswith(("srgb iec61966", "srgb built-in", "srgb ("))
    return model == "RGBA" and depth == "U8" and known
