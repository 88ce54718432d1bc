"""What the daemon and an engine say to each other, over a pair of pipes.

The same frames as on the wire, each preceded by its length as a 32-bit little-endian number, but pictures travel
as names of shared files, so that a pipe never carries pixels. Results have a folder of their own, on the disk where
the history keeps them: they are written once and then only renamed.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .errors import BridgeError, ErrorCode
from .fields import spec
from .frames import decode_frame, encode_frame
from .live import LiveStamps
from .messages import JOB_ID_PATTERN, AdapterType, ErrorInfo, Stage
from .pixels import Picture
from .plain import to_plain
from .plain_reading import from_plain
from .shared_pixels import SharedPixels
from .tasks import ImageToImage, Inpaint, Layer, Task
from .wire import describe_picture

LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class ModelSource:
    """Where an engine finds a model."""

    id: str = spec("The model's id, for recipes and messages.", max_length=512)
    location: str = spec("A diffusers folder or a checkpoint file on this machine.", max_length=4096)
    family: str = spec(
        "Family of models that it belongs to; empty when it is not known yet.", default="", max_length=64
    )
    base: str = spec(
        "For a checkpoint file: the diffusers folder from which it takes what it lacks.", default="", max_length=4096
    )
    native_size: int = spec("Side that it was trained for.", default=512, ge=8, le=16384, unit="px")
    whole_size: int = spec(
        "Side of the largest canvas that it composes in one go; 0: somewhat more than the native size.",
        default=0,
        ge=0,
        le=16384,
        unit="px",
    )
    size_multiple: int = spec("Sides are computed in multiples of this.", default=8, ge=1, le=256, unit="px")
    steps: int = spec("Recommended denoising steps.", default=20, ge=1, le=1000)
    guidance_scale: float = spec("Recommended guidance.", default=7.5, ge=0, le=50)


@dataclass(frozen=True)
class AdapterSource:
    """Where an engine finds an adapter."""

    id: str = spec("The adapter's id, for recipes and messages.", max_length=512)
    type: AdapterType = spec("What it is.")
    location: str = spec("A file or a folder.", max_length=4096)


@dataclass(frozen=True, kw_only=True)
class LinkMessage:
    """Anything said over the pipes."""

    type: ClassVar[str] = ""


@dataclass(frozen=True, kw_only=True)
class Run(LinkMessage):
    """Daemon to engine: run a job. One at a time."""

    type: ClassVar[str] = "run"

    job_id: str = spec("The job.", pattern=JOB_ID_PATTERN)
    task: Task = spec("What to do; its seed, if it has one, is set.")
    model: ModelSource | None = spec("With which model; None for a task that needs none.", default=None)
    adapters: tuple[AdapterSource, ...] = spec(
        "Every adapter that the task names, in its prompt or elsewhere.", default=()
    )
    first_image: int = spec("Images before this one are done already.", default=0, ge=0)
    preview_side: int = spec("Longest side of step previews; 0 for none.", default=0, ge=0, le=1024, unit="px")


@dataclass(frozen=True, kw_only=True)
class Tick(LinkMessage):
    """Daemon to engine: make one frame of a live canvas, between two steps of a job if that can be.

    Answered by `Framed` and `Ended`; one at a time.
    """

    type: ClassVar[str] = "tick"

    job_id: str = spec("The frame.", pattern=JOB_ID_PATTERN)
    task: ImageToImage | Inpaint = spec("What to do; its seed is set.")
    model: ModelSource = spec("With which model.")
    adapters: tuple[AdapterSource, ...] = spec(
        "Every adapter that the task names, in its prompt or elsewhere.", default=()
    )
    width: int = spec("Width to compute at.", ge=8, le=16384, unit="px")
    height: int = spec("Height to compute at.", ge=8, le=16384, unit="px")
    sides: tuple[int, ...] = spec("Longest sides of the pictures wanted; 0: as computed.", default=(0,), unit="px")


@dataclass(frozen=True, kw_only=True)
class Framed(LinkMessage):
    """Engine to daemon: the frame is made. The daemon removes the shared pixels."""

    type: ClassVar[str] = "framed"

    job_id: str = spec("The frame.", pattern=JOB_ID_PATTERN)
    pictures: tuple[Picture, ...] = spec("One for each of the sides wanted.")
    stamps: LiveStamps = spec("Of its making.", default_factory=LiveStamps)


@dataclass(frozen=True, kw_only=True)
class Abort(LinkMessage):
    """Daemon to engine: stop this job or frame within one step."""

    type: ClassVar[str] = "abort"

    job_id: str = spec("The job.", pattern=JOB_ID_PATTERN)


@dataclass(frozen=True, kw_only=True)
class Release(LinkMessage):
    """Daemon to engine: put all models away. Waits for the job that runs."""

    type: ClassVar[str] = "release"

    park: bool = spec("Whether they may rest in main memory, as they will be wanted again.", default=False)


@dataclass(frozen=True, kw_only=True)
class Released(LinkMessage):
    """Engine to daemon: the models are gone."""

    type: ClassVar[str] = "released"

    freed: int = spec("What they held.", default=0, ge=0, unit="bytes")


@dataclass(frozen=True, kw_only=True)
class Shutdown(LinkMessage):
    """Daemon to engine: end. So does the end of the pipe."""

    type: ClassVar[str] = "shutdown"


@dataclass(frozen=True, kw_only=True)
class Ready(LinkMessage):
    """Engine to daemon: torch is imported, jobs may come."""

    type: ClassVar[str] = "ready"

    pid: int = spec("Process id of the engine.", ge=0)
    device: str = spec("Device, for people.", max_length=256)
    memory_total: int = spec("Memory of the device.", default=0, ge=0, unit="bytes")
    memory_free: int = spec("Free memory of the device.", default=0, ge=0, unit="bytes")
    versions: dict[str, object] = spec("Versions of torch, diffusers…", default_factory=dict)
    schedulers: tuple[str, ...] = spec("Names accepted as `scheduler`.", default=())


@dataclass(frozen=True, kw_only=True)
class Progressed(LinkMessage):
    """Engine to daemon: a stage began or a step was done."""

    type: ClassVar[str] = "progressed"

    job_id: str = spec("The job.", pattern=JOB_ID_PATTERN)
    stage: Stage = spec("What is being done.")
    image: int = spec("Which image, from 0.", default=0, ge=0)
    step: int = spec("Denoising steps done.", default=0, ge=0)
    steps: int = spec("Denoising steps in all.", default=0, ge=0)


@dataclass(frozen=True, kw_only=True)
class Previewed(LinkMessage):
    """Engine to daemon: a look at the image so far."""

    type: ClassVar[str] = "previewed"

    job_id: str = spec("The job.", pattern=JOB_ID_PATTERN)
    image: int = spec("Which image, from 0.", default=0, ge=0)
    step: int = spec("After this step.", default=0, ge=0)
    picture: Picture = spec("rgb8.")


@dataclass(frozen=True, kw_only=True)
class Noticed(LinkMessage):
    """Engine to daemon: the job goes on, but not quite as asked."""

    type: ClassVar[str] = "noticed"

    job_id: str = spec("The job.", pattern=JOB_ID_PATTERN)
    notice: ErrorInfo = spec("What changed.")


@dataclass(frozen=True, kw_only=True)
class Produced(LinkMessage):
    """Engine to daemon: an image is done. The daemon removes the shared pixels."""

    type: ClassVar[str] = "produced"

    job_id: str = spec("The job.", pattern=JOB_ID_PATTERN)
    index: int = spec("Which image, from 0.", default=0, ge=0)
    layer: Layer = spec("The image.")


@dataclass(frozen=True, kw_only=True)
class Ended(LinkMessage):
    """Engine to daemon: the job is over; the engine is idle again."""

    type: ClassVar[str] = "ended"

    job_id: str = spec("The job.", pattern=JOB_ID_PATTERN)
    cancelled: bool = spec("Whether it was stopped by `abort`.", default=False)
    filtered: int = spec("Images that the safety filter held back.", default=0, ge=0)
    error: ErrorInfo | None = spec("Why it failed.", default=None)
    timings: dict[str, object] = spec("Seconds spent, by stage.", default_factory=dict, unit="s")


LINK_MESSAGES: Mapping[str, type[LinkMessage]] = {
    cls.type: cls
    for cls in (
        Run,
        Tick,
        Abort,
        Release,
        Shutdown,
        Ready,
        Progressed,
        Previewed,
        Noticed,
        Produced,
        Framed,
        Ended,
        Released,
    )
}


def encode_link(message: LinkMessage, shared: SharedPixels, results: SharedPixels | None = None) -> bytes:
    """Serialise a message with its length in front, writing its pictures to `shared`, or a result to `results`."""
    folder = _folder_for(type(message), shared, results)

    def write(picture: Picture) -> Mapping[str, Any]:
        return {**describe_picture(picture), "file": folder.adopt(picture).name}

    frame = encode_frame({"type": message.type, "body": to_plain(message, write)})
    return LENGTH.pack(len(frame)) + frame


def decode_link(frame: bytes, shared: SharedPixels, results: SharedPixels | None = None) -> LinkMessage:
    """Read a message (without its length). Its pictures are `SharedPicture`s; the daemon alone removes files.

    Raises:
        BridgeError: when the peer does not keep to this language.
    """
    header = decode_frame(frame).header
    cls = LINK_MESSAGES.get(str(header.get("type")))
    if cls is None:
        raise BridgeError(ErrorCode.INTERNAL, f"The engine link knows no message {header.get('type')!r}.")
    return from_plain(cls, header.get("body"), _folder_for(cls, shared, results).open)


def _folder_for(cls: type[LinkMessage], shared: SharedPixels, results: SharedPixels | None) -> SharedPixels:
    return results if results is not None and cls is Produced else shared
