"""The part of the conversation that is about live generation: a canvas being painted, and what a model makes of it.

Live generation belongs to a canvas: whoever has it open can begin it, change it and end it, and whoever watches gets
the frames. Always the newest revision is worked on: a frame that falls behind is given up where that brings a fresh one
sooner. Drafts are as small as they must be to come in time; when nobody has painted for a moment one at full quality
follows. Nothing is computed while nothing changes, or nobody watches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .areas import Area
from .canvases import LAYER_PATTERN, CanvasEvent, CanvasRequest
from .fields import spec
from .messages import ErrorInfo, Message, Reply
from .pixels import Picture
from .tasks import MAX_SEED, LoraUse

LiveState = Literal["off", "loading", "running", "waiting", "paused"]


@dataclass(frozen=True)
class LiveSettings:
    """What live generation makes of a canvas. Any of it may be changed while it runs."""

    prompt: str = spec("What the picture shall show.", default="", max_length=8192)
    negative_prompt: str = spec("What it shall not show.", default="", max_length=8192)
    model: str = spec("Model id from `welcome`; empty for the daemon's default.", default="", max_length=512)
    seed: int = spec(
        "The same for every frame, so that a frame differs by what was painted.", default=0, ge=0, le=MAX_SEED
    )
    strength: float = spec("How freely the model paints over what is there.", default=0.5, ge=0.01, le=1)
    steps: int | None = spec("Denoising steps. None: what the model recommends.", default=None, ge=1, le=1000)
    draft_steps: int | None = spec("Those of drafts. None: as many, but 8 at most.", default=None, ge=1, le=1000)
    guidance_scale: float | None = spec(
        "Classifier-free guidance; 1 switches it off. None: what the model recommends.", default=None, ge=0, le=50
    )
    scheduler: str = spec("As in every task; empty for the model's own.", default="", max_length=64)
    loras: tuple[LoraUse, ...] = spec("LoRAs to apply.", default=(), max_length=16)
    layer: str = spec("The layer that is looked at.", default="image", pattern=LAYER_PATTERN)
    mask: str = spec(
        "A gray8 layer: frames repaint where it is white, and are transparent elsewhere. Empty to repaint all.",
        default="",
        max_length=64,
    )
    area: Area | None = spec(
        "The part of the canvas that is looked at. None: all of it, or `needs_area`.", default=None
    )
    needs_area: bool = spec(
        "Without an area pause instead of taking the whole canvas, as when a selection is lost.", default=False
    )
    draft_seconds: float = spec(
        "Drafts are made small enough to take no longer than this.", default=0.25, ge=0.005, le=10, unit="s"
    )
    rest_seconds: float = spec(
        "After so long without a change a frame at full quality is made.", default=0.4, ge=0, le=60, unit="s"
    )
    full: bool = spec("Whether those are made at all.", default=True)


@dataclass(frozen=True)
class LiveInfo:
    """Where the live generation of a canvas stands."""

    state: LiveState = spec(
        "`waiting`: nothing has changed, or the device is busy with something that cannot be interrupted.",
        default="off",
    )
    settings: LiveSettings | None = spec("What it does; None when it is off.", default=None)
    reason: ErrorInfo | None = spec("Why it is paused. It goes on with the next settings that allow it.", default=None)
    width: int = spec("Width at which drafts are computed; 0 when that is not known yet.", default=0, ge=0, unit="px")
    height: int = spec("Likewise.", default=0, ge=0, unit="px")
    scale: float = spec(
        "Of drafts against the canvas; below 1 where the model could not do the whole in time.",
        default=1.0,
        ge=0,
        le=16,
    )


@dataclass(frozen=True)
class LiveStamps:
    """When what happened to a frame, seconds since the epoch. All but `captured` by the daemon machine's clock."""

    captured: float = spec("The newest change in it was painted; 0 when its client did not say.", default=0.0, unit="s")
    received: float = spec("That change arrived.", default=0.0, unit="s")
    free: float = spec("What the engine did before was over.", default=0.0, unit="s")
    started: float = spec("The engine began with the frame.", default=0.0, unit="s")
    encoded: float = spec("The canvas had become latents, and the prompt its embeddings.", default=0.0, unit="s")
    denoised: float = spec("The last step was done.", default=0.0, unit="s")
    decoded: float = spec("It had become pixels.", default=0.0, unit="s")
    sent: float = spec("The daemon gave it to the connection.", default=0.0, unit="s")


@dataclass(frozen=True, kw_only=True)
class SetLive(CanvasRequest):
    """Begin live generation on a canvas, or go on with other settings."""

    type: ClassVar[str] = "set_live"

    settings: LiveSettings = spec("What to make of it.", default_factory=LiveSettings)


@dataclass(frozen=True, kw_only=True)
class StopLive(CanvasRequest):
    """End the live generation of a canvas, for everybody."""

    type: ClassVar[str] = "stop_live"


@dataclass(frozen=True, kw_only=True)
class WatchLive(CanvasRequest):
    """Be sent the frames of a canvas. What others may have asked for does not matter."""

    type: ClassVar[str] = "watch_live"

    side: int = spec(
        "Longest side of a frame; larger ones are made smaller. 0: as computed.", default=0, ge=0, le=8192, unit="px"
    )
    rate: float = spec("Most frames in a second; 0 ends it.", default=60.0, ge=0, le=1000)


@dataclass(frozen=True, kw_only=True)
class LiveStatus(Reply):
    """Where the live generation stands."""

    type: ClassVar[str] = "live_status"

    live: LiveInfo = spec("As it is now.", default_factory=LiveInfo)


@dataclass(frozen=True, kw_only=True)
class LiveChanged(CanvasEvent):
    """It stands elsewhere now. Everybody who has the canvas open is told."""

    type: ClassVar[str] = "live_changed"

    live: LiveInfo = spec("As it is now.", default_factory=LiveInfo)


@dataclass(frozen=True, kw_only=True)
class LiveFrame(CanvasEvent):
    """What the model makes of the canvas. A reader that is slow gets fewer, always the newest."""

    type: ClassVar[str] = "live_frame"

    number: int = spec("Counts the frames of a canvas; some are left out.", ge=0)
    revision: int = spec("Of the canvas that it shows.", ge=0)
    area: Area = spec("The part of the canvas that it covers; stretch it over that.")
    picture: Picture = spec("rgb8, or rgba8 where a mask says what was repainted.")
    full: bool = spec("Whether it is at full quality rather than a draft.", default=False)
    given_up: int = spec("Frames given up so far, because the canvas had changed.", default=0, ge=0)
    stamps: LiveStamps = spec("When what happened to it.", default_factory=LiveStamps)


CLIENT_MESSAGES: tuple[type[Message], ...] = (SetLive, StopLive, WatchLive)
DAEMON_MESSAGES: tuple[type[Message], ...] = (LiveStatus, LiveChanged, LiveFrame)
