"""Messages to frames and back. Pictures travel as blobs of the frame, raw or packed, or as files if that was agreed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import planes
from .errors import BridgeError, ErrorCode, InvalidMessage, ProtocolError
from .frames import Frame, decode_frame, encode_frame, header_end
from .messages import Message
from .packing import Packing
from .pixel_files import BLOBS_ONLY, PixelFiles
from .pixels import MAX_SIDE, Buffer, ColourSpace, Picture, PixelFormat
from .plain import to_plain
from .plain_reading import from_plain
from .vocabulary import MESSAGE_TYPES

RAW = "raw"
ENCODINGS = (planes.NAME,)
"""Encodings of pixels that are read here, besides `raw`."""
MOST_UNPACKED = 512 << 20
"""Bytes of packed pictures in one message where nobody has agreed on another limit."""


def encode_message(message: Message, files: PixelFiles = BLOBS_ONLY, packing: Packing | None = None) -> bytes:
    """Serialise a message with its pictures into one frame.

    Args:
        packing: decides which pixels are packed; None where the other end reads raw ones only.

    Raises:
        BridgeError: when a field has a value that cannot be sent.
    """
    blobs: list[Buffer] = []

    def write(picture: Picture) -> Mapping[str, Any]:
        name = files.give(picture) if message.shares_files else None
        if name is not None:
            return {**describe_picture(picture), "file": name}
        smaller = packing.pack(picture) if packing is not None else None
        blobs.append(picture.pixels if smaller is None else smaller)
        encoding = RAW if smaller is None else planes.NAME
        return {**describe_picture(picture), "encoding": encoding, "blob": len(blobs) - 1}

    body = to_plain(message, write)
    return encode_frame({"type": message.type, "body": body}, blobs)


def decode_message(data: Buffer, files: PixelFiles = BLOBS_ONLY, most_unpacked: int = MOST_UNPACKED) -> Message:
    """Read a message. Its pictures are views of `data`, or whatever `files` makes of the names of files.

    Args:
        most_unpacked: bytes that its packed pictures may have together.

    Raises:
        InvalidMessage: the frame is sound, but the message is unknown or a field is wrong. Carries the request id.
        ProtocolError: `bad_frame` when the bytes are not a frame.
    """
    return message_from_frame(decode_frame(data), files, most_unpacked)


def message_from_frame(frame: Frame, files: PixelFiles = BLOBS_ONLY, most_unpacked: int = MOST_UNPACKED) -> Message:
    """Build the message that a frame holds. Raises `InvalidMessage`."""
    name = frame.header.get("type")
    body = frame.header.get("body")
    request_id = body.get("request_id") if isinstance(body, Mapping) else None
    if not isinstance(request_id, int) or isinstance(request_id, bool):
        request_id = None
    cls = MESSAGE_TYPES.get(name) if isinstance(name, str) else None
    if cls is None:
        raise InvalidMessage(ErrorCode.BAD_MESSAGE, f"There is no message {name!r:.80}.", request_id=request_id)

    unpacking = _Unpacking(most_unpacked)

    def read(description: Mapping[str, Any], path: str) -> Picture:
        if "file" in description:
            agreed = files if cls.shares_files else BLOBS_ONLY
            return agreed.read(description, path) if cls.reads_files else agreed.take(description, path)
        index = description.get("blob")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(frame.blobs):
            raise BridgeError(ErrorCode.INVALID_FIELD, f"Field {path}: names no blob of this frame.", field=path)
        if description.get("encoding") == planes.NAME:
            return unpacking.picture(description, frame.blobs[index], path)
        return picture_from(description, frame.blobs[index], path)

    try:
        return from_plain(cls, body, read)
    except ProtocolError:
        raise
    except BridgeError as error:
        raise InvalidMessage(
            error.code, error.message, hint=error.hint, field=error.field, request_id=request_id
        ) from error


def may_be_packed(data: Buffer) -> bool:
    """Whether a message may hold packed pixels, which take time to read; it does when its header names the encoding."""
    view = memoryview(data).cast("B")
    return planes.NAME.encode() in bytes(view[: header_end(view)])


def describe_picture(picture: Picture) -> dict[str, Any]:
    """The plain description of a picture, without its pixels."""
    return {
        "width": picture.width,
        "height": picture.height,
        "format": picture.format.value,
        "colour_space": picture.colour_space.value,
        "encoding": RAW,
    }


def picture_from(description: Mapping[str, Any], pixels: Buffer, path: str) -> Picture:
    """A picture from its plain description and its pixels.

    Raises:
        BridgeError: `invalid_field`, naming `path`.
    """
    _check_description(description, path, RAW)
    try:
        return Picture(
            width=int(description["width"]),
            height=int(description["height"]),
            format=PixelFormat(description["format"]),
            pixels=pixels,
            colour_space=ColourSpace(description.get("colour_space", "srgb")),
        )
    except BridgeError as error:
        raise BridgeError(error.code, error.message, hint=error.hint, field=path) from error


def _check_description(description: Mapping[str, Any], path: str, encoding: str) -> None:
    problem = ""
    width, height = description.get("width"), description.get("height")
    if not all(isinstance(side, int) and not isinstance(side, bool) for side in (width, height)):
        problem = "width and height must be whole numbers"
    elif description.get("format") not in {member.value for member in PixelFormat}:
        problem = "has an unknown pixel format"
    elif description.get("colour_space", "srgb") not in {member.value for member in ColourSpace}:
        problem = "has an unknown colour space"
    elif description.get("encoding", RAW) != encoding:
        problem = "has an encoding that was not negotiated"
    if problem:
        raise BridgeError(ErrorCode.INVALID_FIELD, f"Field {path}: {problem}.", field=path)


class _Unpacking:
    """Unpacks the pictures of one message, which together may have only so many bytes."""

    def __init__(self, most: int) -> None:
        self._most = self._left = most

    def picture(self, description: Mapping[str, Any], data: Buffer, path: str) -> Picture:
        """Raises `BridgeError` (`invalid_field`, `message_too_large`), naming `path`."""
        _check_description(description, path, planes.NAME)
        width, height, pixel_format = description["width"], description["height"], PixelFormat(description["format"])
        if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
            raise BridgeError(ErrorCode.INVALID_FIELD, f"Field {path}: has an impossible size.", field=path)
        self._left -= width * height * pixel_format.bytes_per_pixel
        if self._left < 0:
            raise BridgeError(
                ErrorCode.MESSAGE_TOO_LARGE,
                f"The pictures of the message have more than {self._most} bytes when they are unpacked.",
                hint="Send smaller pictures, or raise the limit of the daemon.",
                field=path,
            )
        try:
            pixels = planes.unpacked(data, width, height, pixel_format)
        except BridgeError as error:
            raise BridgeError(error.code, f"Field {path}: {error.message}.", field=path) from error
        return picture_from({**description, "encoding": RAW}, pixels, path)
