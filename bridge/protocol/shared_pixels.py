"""Pixels shared between processes of one user: memory-mapped files in a folder of their own.

The folder lies on a memory file system where there is one, so that nothing reaches a disk. Plain mapped files are
used instead of `multiprocessing.shared_memory` because a process that is killed must not take segments with it,
nor leave any that nobody can find: whatever is in the folder when the daemon starts is left over, and removed.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import BridgeError, ErrorCode
from .pixels import Buffer, Picture
from .wire import picture_from

_NAME = re.compile(r"[0-9a-f]{32}\.px")


ROOM_BYTES = 1 << 30
"""What a memory file system must have free. Containers often get 64 MiB, less than one picture of 4096²."""


def preferred_parent(memory: Path = Path("/dev/shm")) -> Path | None:
    """A folder in memory that every process of this user can reach, or None where the system has none with room."""
    if not memory.is_dir() or not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < ROOM_BYTES:
        return None
    return memory


@dataclass(frozen=True, eq=False)
class SharedPicture(Picture):
    """A picture whose pixels lie in a shared file.

    Attributes:
        name: the name of the file among the shared pixels.
        folder: the folder of those.
    """

    name: str = ""
    folder: Path = Path()


@dataclass(frozen=True)
class SharedPixels:
    """A folder of shared pixel buffers, one file each, named by random ids."""

    folder: Path

    def write(self, pixels: Buffer) -> str:
        """Store a copy of `pixels` and return its name."""
        name = _fresh_name()
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
            with open(self.path(name), "rb", opener=_open_regular) as file:
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:
            raise BridgeError(ErrorCode.INTERNAL, f"The shared pixels {name} cannot be read: {error}.") from error

    def read(self, name: str, largest: int) -> bytes:
        """What a buffer holds, at most so many bytes of it; the buffer is over.

        Raises:
            BridgeError: `internal` when there is no such buffer.
        """
        try:
            with open(self.path(name), "rb", buffering=0, opener=_open_regular) as file:
                pixels = file.read(largest)
        except OSError as error:
            raise BridgeError(ErrorCode.INTERNAL, f"The shared pixels {name} cannot be read: {error}.") from error
        self.remove(name)
        return pixels or b""

    def adopt(self, picture: Picture, *, move: bool = False) -> SharedPicture:
        """Copy a picture's pixels here, unless they are here: the result views a file of this folder.

        With `move` a file of another shared folder is moved instead, because nobody else needs it.

        Raises:
            BridgeError: `internal` when there is no room, or when the other file is gone.
        """
        try:
            if isinstance(picture, SharedPicture) and picture.folder == self.folder:
                return picture
            if isinstance(picture, SharedPicture) and move:
                return self._move(picture)
            name = self.write(picture.pixels)
        except OSError as error:
            raise BridgeError(
                ErrorCode.INTERNAL,
                f"A picture cannot be put into {self.folder}: {error}.",
                hint="Is that file system full?",
            ) from error
        return self._shared(picture, self.view(name), name)

    def open(self, description: Mapping[str, Any], path: str) -> SharedPicture:
        """The picture whose plain description names one of these files.

        Raises:
            BridgeError: `internal` when there is no such file; `invalid_field`, naming `path`, when it does not
                hold what the description says.
        """
        name = str(description.get("file"))
        pixels = self.view(name)
        return self._shared(picture_from(description, pixels, path), pixels, name)

    def _shared(self, picture: Picture, pixels: Buffer, name: str) -> SharedPicture:
        return SharedPicture(
            picture.width, picture.height, picture.format, pixels, picture.colour_space, name, self.folder
        )

    def _move(self, picture: SharedPicture) -> SharedPicture:
        # Renamed afresh: the former name was somebody else's choice.
        name = _fresh_name()
        try:
            os.replace(picture.folder / picture.name, self.path(name))
        except PermissionError:  # Windows moves no file that is viewed
            name = self.write(picture.pixels)
        return replace(picture, name=name, folder=self.folder)

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


def _open_regular(path: str, flags: int) -> int:
    # A link could lead anywhere, and opening a pipe would wait for a writer.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _fresh_name() -> str:
    return f"{uuid.uuid4().hex}.px"
