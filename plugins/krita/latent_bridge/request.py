# SPDX-License-Identifier: GPL-3.0-or-later
"""From a document and the form to a task of the protocol, and from a result back to a place in the document. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass

from .form import SIDES, Form
from .modes import MANNERS, Mode, chosen_mode, task_of
from .vendored import errors, pixels, tasks

NAME_LENGTH = 80
"""Longest prompt in a layer's name."""
OUTLINE_FEATHER = 16
"""Feather around what stays when the background is replaced, pixels."""
UPSCALE_STRENGTH = 0.3
"""What upscaling changes where the user has set no strength of their own."""


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
        mode: what is done; never `AUTO`.
        task: the class of the task.
        crop: the part of the document that is sent; for text-to-image, where the result belongs.
        canvas: the whole document when it was planned.
        sides: what expanding adds on the left, at the top, on the right, at the bottom, pixels.
        scale: sides of the result over those of what was sent.
    """

    mode: Mode
    task: type[tasks.Generation]
    crop: Rect
    canvas: Rect
    sides: tuple[int, int, int, int] = (0, 0, 0, 0)
    scale: float = 1.0

    @property
    def needs_picture(self) -> bool:
        return self.task is not tasks.TextToImage

    @property
    def needs_mask(self) -> bool:
        return self.task is tasks.Inpaint

    @property
    def result(self) -> Rect:
        """Where the whole result lies in the document as it was when this was planned, before it is scaled."""
        left, top, right, bottom = self.sides
        crop = self.crop
        return Rect(crop.x - left, crop.y - top, crop.width + left + right, crop.height + top + bottom)

    @property
    def inverts_mask(self) -> bool:
        """Whether what is not selected is repainted."""
        return self.mode is Mode.REPLACE_BACKGROUND

    def dumped(self) -> dict[str, object]:
        """As plain values for JSON."""
        rects = {name: list(dataclasses.astuple(getattr(self, name))) for name in ("crop", "canvas")}
        return {
            "mode": self.mode.value,
            "task": self.task.kind,
            "sides": list(self.sides),
            "scale": self.scale,
            **rects,
        }

    @classmethod
    def loaded(cls, value: object) -> Plan:
        """From plain values.

        Raises:
            KeyError, TypeError, ValueError: when they are not those of a plan.
        """
        if not isinstance(value, dict):
            raise TypeError("a plan is stored as an object")
        task = {task.kind: task for task in tasks.TASKS}[value["task"]]
        crop, canvas = (Rect(*map(int, value[name])) for name in ("crop", "canvas"))
        left, top, right, bottom = map(int, value["sides"])
        return cls(Mode(value["mode"]), task, crop, canvas, (left, top, right, bottom), float(value["scale"]))


def make_plan(canvas: Rect, selection: Rect | None, form: Form, native_size: int) -> Plan:
    """Decide what a press of Generate means.

    Args:
        canvas: the whole document, at the origin.
        selection: bounds of the selection, which may reach beyond the canvas; None when nothing is selected.
        form: the docker's values.
        native_size: side that the model was made for, pixels.

    Raises:
        BridgeError: `invalid_field` when the selection lies outside the canvas or is missing, or nothing is added.
    """
    mode = chosen_mode(Mode(form.mode), selection is not None, form.strength)
    if mode is Mode.EXPAND:
        return _expanding(canvas, selection, form)
    selected = canvas if selection is None else selection.clipped(canvas)
    if selected.empty:
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD,
            "The selection lies outside the picture.",
            hint="Select a part of the picture, or nothing at all. “Expand” paints beyond the picture.",
        )
    task = task_of(mode, selection is not None)
    scale = form.scale / 100 if mode is Mode.UPSCALE else 1.0
    if task is tasks.Inpaint:
        whole = mode is Mode.REPLACE_BACKGROUND
        crop = canvas if whole else context_crop(canvas, selected, native_size)
    else:
        crop = selected
    return Plan(mode, task, crop, canvas, scale=scale)


def _expanding(canvas: Rect, selection: Rect | None, form: Form) -> Plan:
    """Expanding to where the selection reaches beyond the canvas, or else by what the form says."""
    sides = (form.left, form.top, form.right, form.bottom)
    if selection is not None and not canvas.contains(selection):
        beyond = (-selection.x, -selection.y, selection.right - canvas.width, selection.bottom - canvas.height)
        sides = tuple(max(0, side) for side in beyond)
    if not any(sides):
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD,
            "Nothing would be added to the picture.",
            hint="Give at least one side some pixels, or select beyond the picture.",
        )
    return Plan(Mode.EXPAND, tasks.Outpaint, canvas, canvas, sides)


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


def make_task(
    plan: Plan,
    form: Form,
    picture: pixels.Buffer = b"",
    mask: pixels.Buffer = b"",
    guides: Mapping[str, object] | None = None,
) -> tasks.Generation:
    """The task for a plan.

    Args:
        plan: from `make_plan`.
        form: the docker's values.
        picture: BGRA, 8 bit, sRGB, of the size of the plan's crop; for tasks that need it.
        mask: one byte a pixel, 255 where all shall be repainted; same size.
        guides: further fields, from `read_guides`.
    """
    width, height = plan.crop.width, plan.crop.height
    fields = _common(plan, form) | dict(guides or {})
    if not plan.needs_picture:
        return plan.task(width=width, height=height, **fields)
    fields["image"] = pixels.Picture(width, height, pixels.PixelFormat.BGRA8, picture)
    fields |= _of_task(plan, form)
    if plan.needs_mask:
        fields["mask"] = pixels.Picture(width, height, pixels.PixelFormat.GRAY8, mask)
    return plan.task(**fields)


def loras_of(form: Form) -> tuple[tasks.LoraUse, ...]:
    """The LoRAs that a form asks for, as the daemon wants them."""
    return tuple(tasks.LoraUse(lora.name, lora.weight / 100) for lora in form.loras if lora.name)


def _common(plan: Plan, form: Form) -> dict[str, object]:
    """Parameters that every task shares."""
    reads_prompt = MANNERS[plan.mode].reads_prompt
    return {
        "prompt": form.prompt.strip() if reads_prompt else "",
        "negative_prompt": form.negative_prompt.strip(),
        "model": form.model,
        "seed": None if form.random_seed else form.seed,
        "steps": form.steps or None,
        "guidance_scale": form.guidance or None,
        "scheduler": form.scheduler,
        "images": form.images,
        "loras": loras_of(form),
        # Krita's own byte order: nobody swizzles in Python.
        "result_format": pixels.PixelFormat.BGRA8,
    }


def _of_task(plan: Plan, form: Form) -> dict[str, object]:
    """Parameters of a task that starts from a picture."""
    manner = MANNERS[plan.mode]
    strength = form.strength / 100
    if plan.task is tasks.Upscale:
        # At full strength every tile would become a picture of its own.
        return {"scale": plan.scale, "strength": UPSCALE_STRENGTH if form.strength >= 100 else strength}
    if plan.task is tasks.Outpaint:
        return dict(zip(SIDES, plan.sides, strict=True))
    if manner.fixed_strength is not None:
        strength = manner.fixed_strength
    fields: dict[str, object] = {"strength": strength}
    if plan.task is tasks.Inpaint:
        fields |= {"fill": manner.fill, "colour_match": manner.colour_match}
    if plan.mode is Mode.REPLACE_BACKGROUND:
        # What stays is a figure with an outline; a wide feather would eat into it.
        fields |= {"grow": 0, "feather": OUTLINE_FEATHER, "blend": OUTLINE_FEATHER // 2}
    return fields


@dataclass(frozen=True)
class Placement:
    """Where a result belongs, and what must become of the document first.

    Attributes:
        place: of the result, in the document as it is then.
        canvas: the new bounds of the document in its present frame; None when it keeps them.
        size: width and height that the document's contents are scaled to; None when they are not.
    """

    place: Rect
    canvas: Rect | None = None
    size: tuple[int, int] | None = None


def placement_of(plan: Plan, layer: tasks.Layer, canvas: Rect) -> Placement:
    """Where a result goes.

    Args:
        plan: what was asked for.
        layer: the result; its offset is counted from the crop that was sent.
        canvas: the document as it is now. One that has changed its size meanwhile is not changed again.
    """
    unchanged = canvas == plan.canvas
    picture = layer.picture
    if plan.mode is Mode.UPSCALE:
        place = Rect(round(plan.crop.x * plan.scale), round(plan.crop.y * plan.scale), picture.width, picture.height)
        size = (round(canvas.width * plan.scale), round(canvas.height * plan.scale))
        return Placement(place, size=size if unchanged and size != (canvas.width, canvas.height) else None)
    place = Rect(plan.crop.x + layer.x, plan.crop.y + layer.y, picture.width, picture.height)
    if plan.mode is not Mode.EXPAND:
        return Placement(place)
    left, top, right, bottom = plan.sides
    grown = Rect(-left, -top, plan.canvas.width + left + right, plan.canvas.height + top + bottom)
    placed = dataclasses.replace(place, x=place.x + left, y=place.y + top)
    return Placement(placed, canvas=grown if unchanged else None)


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
