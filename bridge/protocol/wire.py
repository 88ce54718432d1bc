"""Messages to frames and back. Pictures travel as blobs of the frame, or as files where that was agreed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import BridgeError, ErrorCode, InvalidMessage, ProtocolError
from .frames import Frame, decode_frame, encode_frame
from .messages import Message
from .pixel_files import BLOBS_ONLY, PixelFiles
from .pixels import Buffer, ColourSpace, Picture, PixelFormat
from .plain import to_plain
from .plain_reading import from_plain
from .vocabulary import MESSAGE_TYPES


def encode_message(message: Message, files: PixelFiles = BLOBS_ONLY) -> bytes:
    """Serialise a message with its pictures into one frame.

    Raises:
        BridgeError: when a field has a value that cannot be sent.
    """
    blobs: list[Buffer] = []

    def write(picture: Picture) -> Mapping[str, Any]:
        name = files.give(picture) if message.shares_files else None
        if name is not None:
            return {**describe_picture(picture), "file": name}
        blobs.append(picture.pixels)
        return {**describe_picture(picture), "blob": len(blobs) - 1}

    body = to_plain(message, write)
    return encode_frame({"type": message.type, "body": body}, blobs)


def decode_message(data: Buffer, files: PixelFiles = BLOBS_ONLY) -> Message:
    """Read a message. Its pictures are views of `data`, or whatever `files` makes of the names of files.

    Raises:
        InvalidMessage: the frame is sound, but the message is unknown or a field is wrong. Carries the request id.
        ProtocolError: `bad_frame` when the bytes are not a frame.
    """
    return message_from_frame(decode_frame(data), files)


def message_from_frame(frame: Frame, files: PixelFiles = BLOBS_ONLY) -> Message:
    """Build the message that a frame holds. Raises `InvalidMessage`."""
    name = frame.header.get("type")
    body = frame.header.get("body")
    request_id = body.get("request_id") if isinstance(body, Mapping) else None
    if not isinstance(request_id, int) or isinstance(request_id, bool):
        request_id = None
    cls = MESSAGE_TYPES.get(name) if isinstance(name, str) else None
    if cls is None:
        raise InvalidMessage(ErrorCode.BAD_MESSAGE, f"There is no message {name!r:.80}.", request_id=request_id)

    def read(description: Mapping[str, Any], path: str) -> Picture:
        if "file" in description:
            return (files if cls.shares_files else BLOBS_ONLY).take(description, path)
        index = description.get("blob")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(frame.blobs):
            raise BridgeError(ErrorCode.INVALID_FIELD, f"Field {path}: names no blob of this frame.", field=path)
        return picture_from(description, frame.blobs[index], path)

    try:
        return from_plain(cls, body, read)
    except ProtocolError:
        raise
    except BridgeError as error:
        raise InvalidMessage(
            error.code, error.message, hint=error.hint, field=error.field, request_id=request_id
        ) from error


def describe_picture(picture: Picture) -> dict[str, Any]:
    """The plain description of a picture, without its pixels."""
    return {
        "width": picture.width,
        "height": picture.height,
        "format": picture.format.value,
        "colour_space": picture.colour_space.value,
        "encoding": "raw",
    }


def picture_from(description: Mapping[str, Any], pixels: Buffer, path: str) -> Picture:
    """A picture from its plain description and its pixels.

    Raises:
        BridgeError: `invalid_field`, naming `path`.
    """
    problem = ""
    width, height = description.get("width"), description.get("height")
    if not all(isinstance(side, int) and not isinstance(side, bool) for side in (width, height)):
        problem = "width and height must be whole numbers"
    elif description.get("format") not in {member.value for member in PixelFormat}:
        problem = "has an unknown pixel format"
    elif description.get("colour_space", "srgb") not in {member.value for member in ColourSpace}:
        problem = "has an unknown colour space"
    elif description.get("encoding", "raw") != "raw":
        problem = "has an encoding that was not negotiated"
    if problem:
        raise BridgeError(ErrorCode.INVALID_FIELD, f"Field {path}: {problem}.", field=path)
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
