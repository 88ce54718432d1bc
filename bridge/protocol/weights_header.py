"""The header of a safetensors file: names, shapes and remarks, without reading a single weight."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .errors import BridgeError, ErrorCode

SUFFIX = ".safetensors"
PICKLE_REASON = "it is a pickle, which can run any program when it is read; convert it to safetensors."
MAX_HEADER_BYTES = 100_000_000


@dataclass(frozen=True)
class WeightsHeader:
    """What a safetensors file says about itself.

    Attributes:
        shapes: the shape of every tensor, by its name.
        metadata: the remarks of whoever saved it.
    """

    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str] = field(default_factory=dict)


def read_header(path: Path) -> WeightsHeader:
    """Read the header, and check it against the size of the file.

    Raises:
        BridgeError: `model_unusable` when the file is something else, was cut off, or cannot be read.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            prefix = file.read(8)
            length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else -1
            if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
                raise _unusable("it is no safetensors file, or it was cut off.")
            return _parsed(file.read(length), size - 8 - length)
    except OSError as error:
        raise _unusable(f"it cannot be read: {error}.") from error


def _parsed(text: bytes, data_bytes: int) -> WeightsHeader:
    try:
        header = json.loads(text)
        metadata = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
        shapes = {str(name): tuple(int(side) for side in entry["shape"]) for name, entry in header.items()}
        end = max((int(entry["data_offsets"][1]) for entry in header.values()), default=0)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise _unusable("its safetensors header is damaged.") from error
    if end != data_bytes:
        raise _unusable(f"it holds {data_bytes} bytes of weights where its header promises {end}; get it again.")
    return WeightsHeader(shapes, metadata)


def _unusable(reason: str) -> BridgeError:
    return BridgeError(ErrorCode.MODEL_UNUSABLE, reason)
