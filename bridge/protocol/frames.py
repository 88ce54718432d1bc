"""The frame codec: one binary websocket message = prefix, msgpack header, aligned blobs.

    offset  size  meaning (integers little-endian)
    0       4     magic b"LtBr"
    4       2     version of this layout, 1
    6       2     reserved, 0
    8       4     H, length of the header in bytes
    12      4     CRC-32 of bytes 0 to 11 followed by the header
    16      H     header: a msgpack map; its key "blobs" lists the length of every blob
    …             zero padding up to the next multiple of 64, then a blob, and so on; the last blob ends the frame

Blobs are aligned so that numpy and typed arrays view them in place. The CRC covers everything that steers the
decoder; pixels are not summed again, since TCP does so on the way and content hashes do so at rest.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack

from .errors import ErrorCode, ProtocolError
from .pixels import Buffer

MAGIC = b"LtBr"
FRAME_VERSION = 1
ALIGNMENT = 64
MAX_HEADER_BYTES = 1 << 20
MAX_BLOBS = 256
MAX_CONTAINER_ITEMS = 4096
"""Longest list or map in a header. Keeps what a hostile header can make the decoder allocate small."""

_PREFIX = struct.Struct("<4sHHII")
_CHECKED = struct.Struct("<4sHHI")


@dataclass(frozen=True)
class Frame:
    """A decoded frame: the header without its `blobs` entry, and views of the blobs in the received buffer."""

    header: Mapping[str, Any]
    blobs: tuple[memoryview, ...] = ()


def encode_frame(header: Mapping[str, Any], blobs: Sequence[Buffer] = ()) -> bytes:
    """Serialise a header and its blobs.

    Raises:
        ProtocolError: `bad_frame` when the header does not fit the limits of this layout.
    """
    views = [memoryview(blob).cast("B") for blob in blobs]
    try:
        packed = msgpack.packb({**header, "blobs": [view.nbytes for view in views]}, use_bin_type=True)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ProtocolError(ErrorCode.BAD_FRAME, f"The header cannot be written: {error}.") from error
    if len(packed) > MAX_HEADER_BYTES or len(views) > MAX_BLOBS:
        raise ProtocolError(
            ErrorCode.BAD_FRAME,
            f"A header of {len(packed)} bytes with {len(views)} blobs is too large.",
            hint=f"At most {MAX_HEADER_BYTES} bytes and {MAX_BLOBS} blobs.",
        )
    checked = _CHECKED.pack(MAGIC, FRAME_VERSION, 0, len(packed))
    parts: list[Buffer] = [checked, struct.pack("<I", zlib.crc32(packed, zlib.crc32(checked))), packed]
    length = _PREFIX.size + len(packed)
    for view in views:
        padding = -length % ALIGNMENT
        parts += [bytes(padding), view]
        length += padding + view.nbytes
    return b"".join(parts)


def decode_frame(data: Buffer) -> Frame:
    """Read a frame. The blobs are views of `data`, not copies.

    Raises:
        ProtocolError: `bad_frame` for anything that `encode_frame` could not have written.
    """
    view = memoryview(data).cast("B")
    packed = _checked_header(view)
    header = _unpack(packed)
    lengths = header.pop("blobs", None)
    if not isinstance(lengths, list) or len(lengths) > MAX_BLOBS:
        raise ProtocolError(ErrorCode.BAD_FRAME, "The header does not list its blobs.")
    blobs = []
    position = _PREFIX.size + len(packed)
    for length in lengths:
        if not isinstance(length, int) or isinstance(length, bool) or length < 0:
            raise ProtocolError(ErrorCode.BAD_FRAME, "A blob has no valid length.")
        start = position + -position % ALIGNMENT
        if start + length > view.nbytes:
            raise ProtocolError(ErrorCode.BAD_FRAME, "The frame ends in the middle of a blob.")
        if any(view[position:start]):
            raise ProtocolError(ErrorCode.BAD_FRAME, "The padding between blobs is not zero.")
        blobs.append(view[start : start + length])
        position = start + length
    if position != view.nbytes:
        raise ProtocolError(ErrorCode.BAD_FRAME, "There are bytes after the last blob.")
    return Frame(header, tuple(blobs))


def header_end(view: memoryview) -> int:
    """Where the header of a frame ends, as far as its prefix can be believed; 0 for something shorter."""
    return _PREFIX.size + min(_PREFIX.unpack_from(view)[3], MAX_HEADER_BYTES) if view.nbytes >= _PREFIX.size else 0


def _checked_header(view: memoryview) -> memoryview:
    if view.nbytes < _PREFIX.size:
        raise ProtocolError(ErrorCode.BAD_FRAME, "The frame is shorter than its prefix.")
    magic, version, reserved, length, crc = _PREFIX.unpack_from(view)
    if magic != MAGIC:
        raise ProtocolError(ErrorCode.BAD_FRAME, "This is not a frame of the bridge: the magic is missing.")
    if version != FRAME_VERSION or reserved != 0:
        raise ProtocolError(
            ErrorCode.UNSUPPORTED_VERSION,
            f"Frame layout {version} is not known here.",
            hint="Update the older of the two programs.",
        )
    if length > MAX_HEADER_BYTES or _PREFIX.size + length > view.nbytes:
        raise ProtocolError(ErrorCode.BAD_FRAME, "The frame ends in the middle of its header.")
    packed = view[_PREFIX.size : _PREFIX.size + length]
    if zlib.crc32(packed, zlib.crc32(view[: _CHECKED.size])) != crc:
        raise ProtocolError(ErrorCode.BAD_FRAME, "The header is damaged: its checksum differs.")
    return packed


def _unpack(packed: memoryview) -> dict[str, Any]:
    try:
        header = msgpack.unpackb(
            packed,
            raw=False,
            strict_map_key=True,
            max_array_len=MAX_CONTAINER_ITEMS,
            max_map_len=MAX_CONTAINER_ITEMS,
            max_ext_len=0,
        )
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        # msgpack's FormatError, StackError and ExtraData are ValueErrors; pure Python may recurse too deep.
        raise ProtocolError(ErrorCode.BAD_FRAME, f"The header is not msgpack: {error}.") from error
    if not isinstance(header, dict) or not all(isinstance(key, str) for key in header):
        raise ProtocolError(ErrorCode.BAD_FRAME, "The header is not a map with text keys.")
    return header
