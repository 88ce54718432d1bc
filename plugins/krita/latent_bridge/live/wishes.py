# SPDX-License-Identifier: GPL-3.0-or-later
"""The docker's fields as settings of live generation, and how that goes in words. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ..form import Form
from ..request import Rect, context_crop, loras_of
from ..vendored import areas, errors, live

MASK = "mask"
"""Name of the canvas's layer that holds the selection."""
RATE_SECONDS = 2.0
"""Frames per second are told as the mean over so long."""


@dataclass(frozen=True)
class Wishes:
    """What the live docker itself is set to.

    Attributes:
        strength: percent of change, 1 to 100.
        selected_only: repaint the selection alone, and pause when it is lost.
        seed: the seed that was drawn, for a form that asks for a random one.
    """

    strength: int = 50
    selected_only: bool = False
    seed: int = 0


def settings_of(
    form: Form, wishes: Wishes, canvas: Rect, selection: Rect | None, native_size: int, *, masks: bool = True
) -> live.LiveSettings:
    """The settings that fields and selection stand for.

    Args:
        form: the docker's fields: prompts, model, seed, steps, guidance, scheduler and LoRAs count. Controls and
            regions do not: live generation knows none.
        wishes: those of the live docker.
        canvas: the whole picture.
        selection: bounds of what is selected; may reach beyond the picture.
        native_size: the side that the model was made for, pixels.
        masks: whether the canvas can hold the selection; otherwise its bounds alone count.
    """
    area = None
    inside = selection.clipped(canvas) if selection is not None else None
    if wishes.selected_only and inside is not None and not inside.empty:
        crop = context_crop(canvas, inside, native_size) if masks else inside
        area = areas.Area(crop.x, crop.y, crop.width, crop.height)
    return live.LiveSettings(
        prompt=form.prompt.strip(),
        negative_prompt=form.negative_prompt.strip(),
        model=form.model,
        seed=wishes.seed if form.random_seed else form.seed,
        strength=wishes.strength / 100,
        steps=form.steps or None,
        guidance_scale=form.guidance or None,
        scheduler=form.scheduler,
        loras=loras_of(form),
        mask=MASK if wishes.selected_only and masks else "",
        area=area,
        needs_area=wishes.selected_only,
    )


class FrameRate:
    """Frames per second of late."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def frame(self, now: float) -> None:
        """A frame has come, at a time in seconds."""
        self._times.append(now)

    def at(self, now: float) -> float:
        """Mean over the last two seconds."""
        while self._times and self._times[0] < now - RATE_SECONDS:
            self._times.popleft()
        return len(self._times) / RATE_SECONDS


STATES = {
    "off": "Off",
    "loading": "The model is being loaded…",
    "running": "Live",
    "waiting": "Live: nothing has changed",
    "paused": "Paused",
}


@dataclass(frozen=True)
class Report:
    """How live generation goes.

    Attributes:
        text: in a line.
        error: why it does not go on, in the user's words; empty when it does.
        hint: what to do about it.
    """

    text: str = STATES["off"]
    error: str = ""
    hint: str = ""


def report_of(info: live.LiveInfo, refused: errors.BridgeError | None, rate: float) -> Report:
    """How it goes.

    Args:
        info: what the daemon says.
        refused: why it did not take the last settings.
        rate: frames per second.
    """
    parts = [STATES[info.state]]
    if info.state in ("running", "waiting") and info.width:
        parts.append(f"{info.width} × {info.height} px" + (f" ({info.scale:.0%})" if info.scale < 1 else ""))
    if info.state == "running" and rate:
        parts.append(f"{rate:.1f} frames/s")
    text = ", ".join(parts)
    if refused is not None:
        return Report(text, refused.message, refused.hint)
    if info.state == "paused" and info.reason is not None:
        return Report(text, info.reason.message, info.reason.hint)
    return Report(text)
