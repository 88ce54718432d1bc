# SPDX-License-Identifier: GPL-3.0-or-later
"""What a press of Generate does: chosen from selection and strength, or by the user. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .vendored import errors, tasks


class Mode(str, Enum):
    """The user's choice; the values are what is stored."""

    AUTO = "auto"
    GENERATE = "generate"
    REFINE = "refine"
    FILL = "fill"
    EXPAND = "expand"
    ADD = "add"
    REMOVE = "remove"
    REPLACE_BACKGROUND = "replace_background"
    UPSCALE = "upscale"


@dataclass(frozen=True)
class Manner:
    """How a mode is asked for.

    Attributes:
        title: for the user.
        explanation: a sentence on it.
        needs_selection: whether it works on a selection only.
        fixed_strength: strength that it always has; None takes the form's.
        fill: what the masked part holds before it is encoded; None leaves that to the daemon.
        reads_prompt: whether the prompt counts.
        colour_match: whether the result takes on the colours around it.
    """

    title: str
    explanation: str
    needs_selection: bool = False
    fixed_strength: float | None = None
    fill: str | None = None
    reads_prompt: bool = True
    colour_match: bool = True


MANNERS = {
    Mode.AUTO: Manner("Automatic", "Chosen from the selection and the strength."),
    Mode.GENERATE: Manner("Generate", "A layer from the words alone, as large as the selection or the picture."),
    Mode.REFINE: Manner("Refine", "What is to be seen, changed by the strength."),
    Mode.FILL: Manner("Fill", "The selection painted anew, to fit its surroundings.", True, 1.0),
    Mode.EXPAND: Manner("Expand", "More picture beyond its sides; the canvas grows when the result arrives."),
    Mode.ADD: Manner("Add content", "Something new in the selection.", True, 1.0, "neutral", colour_match=False),
    Mode.REMOVE: Manner("Remove content", "The selection becomes background.", True, 1.0, "blur", reads_prompt=False),
    Mode.REPLACE_BACKGROUND: Manner("Replace background", "All but the selection is painted anew.", True, 1.0),
    Mode.UPSCALE: Manner("Upscale", "More pixels and detail; the picture is resized when the result arrives."),
}

TASK_OF = {
    Mode.EXPAND: tasks.Outpaint,
    Mode.UPSCALE: tasks.Upscale,
    Mode.FILL: tasks.Inpaint,
    Mode.ADD: tasks.Inpaint,
    Mode.REMOVE: tasks.Inpaint,
    Mode.REPLACE_BACKGROUND: tasks.Inpaint,
    Mode.GENERATE: tasks.TextToImage,
}


def parse_mode(text: str) -> Mode:
    """The mode of a stored value; automatic for what is not known."""
    try:
        return Mode(text)
    except ValueError:
        return Mode.AUTO


def chosen_mode(wanted: Mode, selected: bool, strength: int) -> Mode:
    """The mode that is meant; never `AUTO`.

    Args:
        wanted: the user's choice.
        selected: whether a part of the picture is selected.
        strength: percent.

    Raises:
        BridgeError: `invalid_field` when the mode needs a selection and there is none.
    """
    if wanted is Mode.AUTO:
        if strength < 100:
            return Mode.REFINE
        return Mode.FILL if selected else Mode.GENERATE
    if MANNERS[wanted].needs_selection and not selected:
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD,
            f"“{MANNERS[wanted].title}” needs a selection.",
            hint="Select a part of the picture, or set the mode to Automatic.",
        )
    return wanted


def task_of(mode: Mode, selected: bool) -> type[tasks.Generation]:
    """The task of the protocol for a mode."""
    if mode is Mode.REFINE:
        return tasks.Inpaint if selected else tasks.ImageToImage
    return TASK_OF[mode]
