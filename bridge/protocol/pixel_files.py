"""Pixels as files that both ends can open: on one machine it is cheaper to name a file than to send what is in it.

A client asks for it in `hello`; the daemon's `welcome` then names two folders. Into `inbox` the client writes
pictures that it is about to send, under names of 32 hexadecimal digits with the ending `.px`; the daemon takes them
away from there. In `results` the daemon's pictures lie, under the relative names that its messages give. A client that
cannot reach both folders (it came through a tunnel or out of a container) connects again without asking. Blobs are
always allowed as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from .errors import BridgeError, ErrorCode
from .pixels import Picture


class PixelFiles(Protocol):
    """What one end knows of files that the other can open."""

    def give(self, picture: Picture) -> str | None:
        """The name under which the other end finds these pixels; None sends them along as a blob."""

    def take(self, description: Mapping[str, Any], path: str) -> Picture:
        """The picture whose description names a file. Raises `BridgeError`, naming the field `path`."""

    def read(self, description: Mapping[str, Any], path: str) -> Picture:
        """As `take`, but a copy in memory: the file is over. Raises likewise."""


class BlobsOnly:
    """Nothing was agreed: pixels travel in the frame."""

    def give(self, picture: Picture) -> None:
        """Send them along."""

    def take(self, description: Mapping[str, Any], path: str) -> Picture:
        """There is nothing to take. Raises `BridgeError` (`invalid_field`)."""
        raise BridgeError(ErrorCode.INVALID_FIELD, f"Field {path}: no files were agreed on.", field=path)

    def read(self, description: Mapping[str, Any], path: str) -> Picture:
        """There is nothing to read. Raises `BridgeError` (`invalid_field`)."""
        return self.take(description, path)


BLOBS_ONLY = BlobsOnly()
