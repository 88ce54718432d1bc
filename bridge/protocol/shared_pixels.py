"""Pixels shared between the daemon and its engine: memory-mapped files in a folder of their own.

The folder lies on a memory file system where there is one, so that nothing reaches a disk. Plain mapped files are
used instead of `multiprocessing.shared_memory` because a process that is killed must not take segments with it,
nor leave any that nobody can find: whatever is in the folder when the daemon starts is left over, and removed.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from .errors import BridgeError, ErrorCode
from .pixels import Buffer, Picture

_NAME = re.compile(r"[0-9a-f]{32}\.px")


def preferred_parent() -> Path | None:
    """A folder in memory that every process of this user can reach, or None where the system has none."""
    shm = Path("/dev/shm")
    return shm if shm.is_dir() and os.access(shm, os.W_OK) else None


@dataclass(frozen=True)
class SharedPicture(Picture):
    """A picture whose pixels lie in a shared file.

    Attributes:
        name: the name of the file among the shared pixels.
    """

    name: str = ""


@dataclass(frozen=True)
class SharedPixels:
    """A folder of shared pixel buffers, one file each, named by random ids."""

    folder: Path

    def write(self, pixels: Buffer) -> str:
        """Store a copy of `pixels` and return its name."""
        name = f"{uuid.uuid4().hex}.px"
        descriptor = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with open(descriptor, "wb") as file:
            file.write(pixels)
        return name

    def view(self, name: str) -> memoryview:
        """A read-only view of a buffer. It stays valid after `remove` for as long as it is referenced.

        Raises:
            BridgeError: `internal` when there is no such buffer.
        """
        try:
            with open(self.path(name), "rb") as file:
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:
            raise BridgeError(ErrorCode.INTERNAL, f"The shared pixels {name} cannot be read: {error}.") from error

    def adopt(self, picture: Picture) -> SharedPicture:
        """Move a picture's pixels out of this process: the result views a shared file instead."""
        if isinstance(picture, SharedPicture):
            return picture
        name = self.write(picture.pixels)
        return SharedPicture(picture.width, picture.height, picture.format, self.view(name), picture.colour_space, name)

    def remove(self, name: str) -> None:
        """Forget a buffer. Harmless when it is gone already."""
        # Windows refuses while a view is open; the whole folder goes with the daemon, or at its next start.
        with contextlib.suppress(PermissionError):
            self.path(name).unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """Where a buffer lies. Raises `BridgeError` for a name that `write` cannot have given."""
        if _NAME.fullmatch(name) is None:
            raise BridgeError(ErrorCode.INTERNAL, f"{name!r} does not name shared pixels.")
        return self.folder / name
