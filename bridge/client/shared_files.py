"""Pixel files shared with a daemon on the same machine; see `bridge.protocol.pixel_files`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.protocol.errors import ErrorCode, ProtocolError
from bridge.protocol.messages import Welcome
from bridge.protocol.pixels import Picture
from bridge.protocol.shared_pixels import SharedPixels
from bridge.protocol.wire import picture_from

SMALLEST_FILE = 64 << 10
"""Bytes below which a blob is as cheap as a file."""
_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}")


class FilesUnreachableError(ProtocolError):
    """The daemon named a file that cannot be read here: the connection must go on without shared files."""


@dataclass(frozen=True)
class SharedFiles:
    """The client's end of shared files.

    Attributes:
        inbox: where pictures for the daemon are written.
        results: the folder to which the names of results are relative.
        largest: most bytes that the daemon accepts of a picture.
    """

    inbox: SharedPixels
    results: Path
    largest: int

    @classmethod
    def of(cls, welcome: Welcome) -> SharedFiles | None:
        """What the daemon offers, if it can be reached from here."""
        if not welcome.inbox or not os.access(welcome.inbox, os.W_OK) or not os.access(welcome.results, os.R_OK):
            return None
        return cls(SharedPixels(Path(welcome.inbox)), Path(welcome.results), welcome.limits.message_bytes)

    def give(self, picture: Picture) -> str | None:
        """Write a picture for the daemon; a small one is not worth a file, and a full disk is no reason to fail."""
        if not SMALLEST_FILE <= picture.nbytes <= self.largest:
            return None
        try:
            return self.inbox.write(picture.pixels)
        except OSError:
            return None

    def take(self, description: Mapping[str, Any], path: str) -> Picture:
        """Read a result. The pixels are a copy, so that nothing depends on the file any longer.

        Raises:
            FilesUnreachableError: the file is not there, or is not one that a daemon names.
        """
        name = str(description.get("file"))
        try:
            if _NAME.fullmatch(name) is None:
                raise ValueError("a result is not called so")
            pixels = (self.results / name).read_bytes()
        except (OSError, ValueError) as error:
            raise FilesUnreachableError(
                ErrorCode.BAD_MESSAGE, f"The pixels {name!r:.80} cannot be read: {error}.", field=path
            ) from error
        return picture_from(description, pixels, path)

    def read(self, description: Mapping[str, Any], path: str) -> Picture:
        """As `take`, which makes a copy anyway."""
        return self.take(description, path)
