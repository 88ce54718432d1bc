"""Pixel files shared with one client on this machine; see `bridge.protocol.pixel_files`."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture
from bridge.protocol.shared_pixels import SharedPicture, SharedPixels
from bridge.protocol.tasks import Task
from bridge.protocol.wire import picture_from

from .jobs import pictures_of
from .pixel_store import PixelStore, StoredPicture


@dataclass(frozen=True)
class ClientFiles:
    """The daemon's end of shared files.

    What a client writes is never mapped and read here: a client that shortens a file while it is mapped ends the
    process that reads it, which must be the engine and not the daemon. It is handed on, or copied by `read`.

    Attributes:
        inbox: where the client writes.
        store: where results lie.
        largest: most bytes that a picture may have.
    """

    inbox: SharedPixels
    store: PixelStore
    largest: int

    @classmethod
    def open(cls, shared: SharedPixels, store: PixelStore, largest: int) -> ClientFiles:
        """Make an inbox below the daemon's own shared pixels, so that files can be moved from one to the other."""
        # The random name also proves that both ends see one file system: nowhere else is there such a folder.
        folder = shared.folder / f"inbox-{uuid.uuid4().hex}"
        folder.mkdir(mode=0o700)
        return cls(SharedPixels(folder), store, largest)

    @property
    def results(self) -> Path:
        """The folder to which the names of results are relative."""
        return self.store.folder

    def give(self, picture: Picture) -> str | None:
        """The name of a stored result."""
        return self.store.name_of(picture.digest) if isinstance(picture, StoredPicture) else None

    def take(self, description: Mapping[str, Any], path: str) -> SharedPicture:
        """A picture that the client has written.

        Raises:
            BridgeError: `invalid_field`, or `message_too_large`.
        """
        try:
            picture = self.inbox.open(description, path)
        except BridgeError as error:
            raise _no_such_picture(path) from error
        if picture.nbytes > self.largest:
            raise self._too_large(path)
        return picture

    def read(self, description: Mapping[str, Any], path: str) -> Picture:
        """A picture that the client has written, in memory; its file is gone.

        Raises:
            BridgeError: as `take`.
        """
        try:
            pixels = self.inbox.read(str(description.get("file")), self.largest + 1)
            if len(pixels) > self.largest:
                raise self._too_large(path)
            return picture_from(description, pixels, path)
        except BridgeError as error:
            if error.code is ErrorCode.MESSAGE_TOO_LARGE:
                raise
            raise _no_such_picture(path) from error

    def _too_large(self, path: str) -> BridgeError:
        return BridgeError(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"The picture has more bytes than the {self.largest} that this daemon accepts.",
            hint="Send a smaller picture, or raise the limit of the daemon.",
            field=path,
        )

    def discard(self, task: Task) -> None:
        """Remove the pictures of a task that nobody has taken over."""
        for _, picture in pictures_of(task):
            if isinstance(picture, SharedPicture):
                self.inbox.remove(picture.name)

    def close(self) -> None:
        """Remove the inbox with whatever is in it."""
        shutil.rmtree(self.inbox.folder, ignore_errors=True)


def _no_such_picture(path: str) -> BridgeError:
    problem = "names no file of the inbox, or one that does not hold such a picture"
    return BridgeError(ErrorCode.INVALID_FIELD, f"Field {path}: {problem}.", field=path)
