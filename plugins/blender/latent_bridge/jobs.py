# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as the panels show it: one value that events turn into the next one. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import Any

from .vendored import errors, messages, pixels, wording


class Goal(str, Enum):
    """What a result becomes."""

    TEXTURE = "texture"
    IMAGE = "image"
    RENDER = "render"
    MAPS = "maps"
    PROJECTION = "projection"


class Phase(Enum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    PLACING = "placing"
    CANCELLING = "cancelling"
    CHOOSING = "choosing"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


OVER = frozenset({Phase.CHOOSING, Phase.FINISHED, Phase.FAILED, Phase.CANCELLED})


@dataclass(frozen=True)
class Target:
    """Where a result belongs. Names, not data-blocks: those do not live through an undo or the load of a file.

    Attributes:
        goal: what the result becomes.
        file: identity of the file that was open.
        blend: its path; empty as long as it was never saved.
        image: the image that is changed, or the name of the new one.
        object: whose material gets a texture; empty for none.
        slot: index of the material slot.
        frame: of a rendered animation.
        with_maps: whether the maps of a texture are made, too.
        course: id of the projection that a picture is one view of.
    """

    goal: Goal
    file: str = ""
    blend: str = ""
    image: str = ""
    object: str = ""
    slot: int = 0
    frame: int = 0
    with_maps: bool = False
    course: str = ""

    def to_json(self) -> dict[str, Any]:
        """For the journal."""
        return {**asdict(self), "goal": self.goal.value}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Target:
        """Raises `KeyError`, `TypeError` or `ValueError` for what is no target."""
        return cls(**{**data, "goal": Goal(data["goal"])})


@dataclass(frozen=True)
class Variant:
    """One finished picture, ready for Blender.

    Attributes:
        index: which of the job's images.
        width: pixels.
        height: pixels.
        file: the picture as a PNG, or where it has floats as an OpenEXR.
        seed: what made it.
        recipe: every resolved parameter.
        thumbnail: rgba8, for the grid.
    """

    index: int
    width: int
    height: int
    file: bytes = b""
    seed: int = 0
    recipe: dict[str, object] = field(default_factory=dict)
    thumbnail: pixels.Picture | None = None


@dataclass(frozen=True)
class JobView:
    """Everything that is known of a job.

    Attributes:
        id: the job.
        title: its prompt, or what it does.
        target: where its results belong.
        images: how many it makes; more than one are offered to choose from.
        phase: where it stands.
        text: what is going on, or how it ended.
        fraction: how much is done, 0 to 1.
        error: what went wrong, in the user's words.
        hint: what to do about it.
        preview: a look at the picture so far.
        variants: what is done, by index.
        applied: where the chosen one went: the name of an image; empty for nowhere so far.
        resumable: whether its projection stopped before its end and can go on.
        part: which part of several this is, such as `View 2 of 8`; empty for a whole.
        within: id of the entry that it is part of, as a frame is of its animation; empty for one of its own.
    """

    id: str
    title: str
    target: Target
    images: int = 1
    phase: Phase = Phase.WAITING
    text: str = "Sending…"
    fraction: float = 0.0
    error: str = ""
    hint: str = ""
    preview: pixels.Picture | None = None
    variants: tuple[Variant, ...] = ()
    applied: str = ""
    resumable: bool = False
    part: str = ""
    within: str = ""

    @property
    def over(self) -> bool:
        """Whether the daemon is done with it."""
        return self.phase in OVER

    def happened(self, event: messages.JobEvent) -> JobView:
        """The daemon told something. Results come by `made`, when they are ready for Blender."""
        if self.over:
            return self
        if isinstance(event, messages.JobFailed):
            return self.failed(event.error.raised())
        if isinstance(event, messages.JobCancelled):
            return replace(self, phase=Phase.CANCELLED, text="Cancelled", preview=None)
        if isinstance(event, messages.JobNotice):
            return replace(self, error=event.notice.message, hint=event.notice.hint)
        if self.phase is Phase.CANCELLING:
            return self
        if isinstance(event, messages.JobQueued):
            text = f"Waiting: {event.position} before it" if event.position else "Waiting"
            return replace(self, phase=Phase.WAITING, text=text)
        if isinstance(event, messages.JobProgress):
            text = wording.progress_text(event)
            return replace(self, phase=Phase.RUNNING, text=text, fraction=wording.progress_share(event) or 0.0)
        if isinstance(event, messages.JobPreview):
            return replace(self, preview=event.picture)
        return self

    def finished(self) -> JobView:
        """All images are here, in the same order as the daemon's."""
        if self.phase in (Phase.FAILED, Phase.CANCELLED):
            return self
        if not self.variants:
            error = errors.BridgeError(
                errors.ErrorCode.FILTERED, "The safety filter held everything back.", hint="Change prompt or seed."
            )
            return self.failed(error)
        choice = len(self.variants) > 1 and self.target.goal is not Goal.MAPS
        text = "Choose one" if choice else "Done"
        phase = Phase.CHOOSING if choice else Phase.FINISHED
        return replace(self, phase=phase, text=text, fraction=1.0, preview=None)

    def made(self, variant: Variant) -> JobView:
        """A picture is ready for Blender."""
        kept = [other for other in self.variants if other.index != variant.index]
        return replace(self, variants=tuple(sorted([*kept, variant], key=lambda each: each.index)))

    def failed(self, error: errors.BridgeError) -> JobView:
        """It ended without a result, or was never begun. Whatever goes wrong after Cancel is no failure."""
        if self.phase is Phase.CANCELLING:
            return replace(self, phase=Phase.CANCELLED, text="Cancelled", preview=None)
        return replace(self, phase=Phase.FAILED, text="", error=error.message, hint=error.hint, preview=None)

    def cancelling(self) -> JobView:
        """Cancel was pressed."""
        return self if self.over else replace(self, phase=Phase.CANCELLING, text="Cancelling…")

    def used(self, image: str, text: str = "Done") -> JobView:
        """A variant was put into Blender as the image of this name."""
        return replace(self, applied=image, text=text)
