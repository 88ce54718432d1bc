"""The part of the conversation that is about canvases: pictures that live in the daemon and are shared by programs.

A canvas has a name, a size and layers. Whoever opens it is told of every change by others; who changes it sends only
what changed. Changes are numbered by the canvas's revision, and where two write the same pixels the one that arrives
last wins: the other is sent what is there now, with `lost`. A slow reader gets fewer and larger changes, always of what
is newest. A client that comes back after an interruption compares hashes, block by block, and gets what differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .fields import spec
from .messages import Message, Reply, Request
from .pixels import Picture, PixelFormat

CANVAS_PATTERN = r"[^\x00-\x1f\x7f]{1,128}"
LAYER_PATTERN = r"[^\x00-\x1f\x7f]{1,64}"
BLOCK_SIDE = 256
"""Side of the squares whose hashes are compared, px. Those at the right and lower edge are cut off there."""
HASH_PATTERN = r"[0-9a-f]{16}"
MAX_PIECES = 128

Role = Literal["image", "mask", "control"]


@dataclass(frozen=True)
class CanvasLayer:
    """A layer of a canvas, as large as the canvas."""

    name: str = spec("Its name.", pattern=LAYER_PATTERN)
    role: Role = spec("What it is for.", default="image")
    format: PixelFormat = spec("Format of its pixels.", default=PixelFormat.RGBA8)


@dataclass(frozen=True)
class CanvasInfo:
    """A canvas without its pixels."""

    name: str = spec("Its name.", pattern=CANVAS_PATTERN)
    width: int = spec("Width.", ge=1, le=65536, unit="px")
    height: int = spec("Height.", ge=1, le=65536, unit="px")
    layers: tuple[CanvasLayer, ...] = spec("Its layers, the lowest first.", max_length=16)
    revision: int = spec("Number of the newest change.", default=0, ge=0)
    members: tuple[str, ...] = spec("Programs that have it open.", default=(), max_length=256)


@dataclass(frozen=True)
class Piece:
    """Pixels of a layer and where they belong."""

    x: int = spec("Left edge.", ge=0, le=65535, unit="px")
    y: int = spec("Upper edge.", ge=0, le=65535, unit="px")
    picture: Picture = spec("The pixels, in the layer's format.")


@dataclass(frozen=True, kw_only=True)
class CanvasRequest(Request):
    """A request about one canvas."""

    canvas: str = spec("Name of the canvas.", pattern=CANVAS_PATTERN)


@dataclass(frozen=True, kw_only=True)
class OpenCanvas(CanvasRequest):
    """Open a canvas: the one of this name, or else a new one, transparent black. Opening again changes nothing."""

    type: ClassVar[str] = "open_canvas"

    width: int = spec("Width of a new one; 0 opens only what there is.", default=0, ge=0, le=65536, unit="px")
    height: int = spec("Height of a new one.", default=0, ge=0, le=65536, unit="px")
    layers: tuple[CanvasLayer, ...] = spec(
        "Layers of a new one.", default_factory=lambda: (CanvasLayer("image"),), max_length=16
    )


@dataclass(frozen=True, kw_only=True)
class CanvasOpened(Reply):
    """The canvas as it is, whatever size and layers were asked for."""

    type: ClassVar[str] = "canvas_opened"

    canvas: CanvasInfo = spec("The canvas.")
    created: bool = spec("Whether it is new.", default=False)


@dataclass(frozen=True, kw_only=True)
class PatchCanvas(CanvasRequest):
    """Change a part of a layer. Everybody else who has the canvas open is told."""

    type: ClassVar[str] = "patch_canvas"
    shares_files: ClassVar[bool] = True
    reads_files: ClassVar[bool] = True

    layer: str = spec("The layer.", pattern=LAYER_PATTERN)
    pieces: tuple[Piece, ...] = spec("What to put there; together one change.", max_length=MAX_PIECES)
    seen: int = spec("Newest revision that the client knew; only to tell who has lost pixels.", default=0, ge=0)
    captured: float = spec(
        "When they were painted, by the client's clock, seconds since the epoch; 0 when it does not say.",
        default=0.0,
        ge=0,
        unit="s",
    )


@dataclass(frozen=True, kw_only=True)
class CanvasPatched(Reply):
    """The change is made."""

    type: ClassVar[str] = "canvas_patched"

    revision: int = spec("Its number.", ge=0)


@dataclass(frozen=True, kw_only=True)
class SyncCanvas(CanvasRequest):
    """Compare a row of blocks of 256 × 256 px and get those that differ."""

    type: ClassVar[str] = "sync_canvas"

    layer: str = spec("The layer.", pattern=LAYER_PATTERN)
    row: int = spec("Which row of blocks, from 0 at the top.", ge=0, le=255)
    hashes: tuple[str, ...] = spec(
        "BLAKE2b of 8 bytes of the pixels of each block, from the left, as 16 hexadecimal digits. A block without one "
        "is sent.",
        default=(),
        max_length=256,
    )


@dataclass(frozen=True, kw_only=True)
class CanvasSynced(Reply):
    """What differs."""

    type: ClassVar[str] = "canvas_synced"

    revision: int = spec("Number of the newest change that is in it.", ge=0)
    pieces: tuple[Piece, ...] = spec("The blocks that differ.", default=(), max_length=256)


@dataclass(frozen=True, kw_only=True)
class CloseCanvas(CanvasRequest):
    """Have nothing more to do with a canvas. Some time after its last member has left, it is gone."""

    type: ClassVar[str] = "close_canvas"


@dataclass(frozen=True, kw_only=True)
class ListCanvases(Request):
    """Ask for all canvases."""

    type: ClassVar[str] = "list_canvases"


@dataclass(frozen=True, kw_only=True)
class Canvases(Reply):
    """All canvases; after `close_canvas` as well."""

    type: ClassVar[str] = "canvases"

    canvases: tuple[CanvasInfo, ...] = spec("The canvases.", default=(), max_length=256)


@dataclass(frozen=True, kw_only=True)
class CanvasEvent(Message):
    """Something happened to a canvas that this client has open."""

    canvas: str = spec("Name of the canvas.", pattern=CANVAS_PATTERN)


@dataclass(frozen=True, kw_only=True)
class CanvasChanged(CanvasEvent):
    """Others have changed a layer. Several changes may come as one, with the pixels that are newest."""

    type: ClassVar[str] = "canvas_changed"

    layer: str = spec("The layer.", pattern=LAYER_PATTERN)
    revision: int = spec("Number of the newest change that is in it.", ge=0)
    pieces: tuple[Piece, ...] = spec("What is there now.", max_length=256)
    lost: bool = spec("Whether it replaced pixels of this client's that its author had not seen.", default=False)


@dataclass(frozen=True, kw_only=True)
class CanvasMembers(CanvasEvent):
    """A program has opened or closed the canvas."""

    type: ClassVar[str] = "canvas_members"

    members: tuple[str, ...] = spec("Programs that have it open now.", default=(), max_length=256)


CLIENT_MESSAGES: tuple[type[Message], ...] = (OpenCanvas, PatchCanvas, SyncCanvas, CloseCanvas, ListCanvases)
DAEMON_MESSAGES: tuple[type[Message], ...] = (
    CanvasOpened, CanvasPatched, CanvasSynced, Canvases, CanvasChanged, CanvasMembers,
)  # fmt: skip
