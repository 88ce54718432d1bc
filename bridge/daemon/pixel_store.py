"""Content-addressed pixel files: raw pixels named by their hash. Every function here blocks; call it in a thread.

Raw rather than compressed: a 1024² layer is written and read back in a few milliseconds, where even the fastest
setting of zlib needs fifty. `history_bytes` bounds what that costs in space.

The hash (XXH3, 128 bits) tells pictures apart and is no seal: what is stored comes from this user's own engine, and a
cryptographic hash took longer than writing the file.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from xxhash import xxh3_128_hexdigest

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture
from bridge.protocol.shared_pixels import SharedPicture, SharedPixels


@dataclass(frozen=True, eq=False)
class StoredPicture(Picture):
    """A picture whose pixels lie in a store.

    Attributes:
        digest: hash of the pixels, in hexadecimal digits.
    """

    digest: str = ""


@dataclass(frozen=True)
class PixelStore:
    """A folder of pixel files."""

    folder: Path

    @property
    def incoming(self) -> SharedPixels:
        """Where pixels may be written that are to be stored: storing them is then no more than giving them a name."""
        return SharedPixels(self.folder / "incoming")

    def make_folders(self) -> None:
        """Make the folders; harmless when they are there."""
        self.incoming.folder.mkdir(parents=True, exist_ok=True)

    def put(self, picture: Picture) -> str:
        """Store the pixels of a picture and return their digest. Storing the same again costs only the hash.

        The file of a picture that lies in `incoming` is taken over when there is no such file yet.
        """
        digest = xxh3_128_hexdigest(picture.pixels)
        path = self._path(digest)
        if path.exists():
            return digest
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(picture, SharedPicture) and picture.folder == self.incoming.folder:
            # Windows renames no file that is viewed; there it is copied like any other.
            with contextlib.suppress(PermissionError):
                os.replace(picture.folder / picture.name, path)
                return digest
        # Renamed when complete: a daemon killed here leaves a stray file, never a wrong one.
        partial = path.with_name(f"{uuid.uuid4().hex}.partial")
        with open(partial, "wb") as file:
            file.write(picture.pixels)
        os.replace(partial, path)
        return digest

    def view(self, digest: str) -> memoryview:
        """A read-only view of stored pixels; it outlives their removal.

        Raises:
            BridgeError: `result_evicted` when they are gone.
        """
        try:
            with open(self._path(digest), "rb") as file:
                return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError) as error:
            raise BridgeError(
                ErrorCode.RESULT_EVICTED,
                "The pixels of this result are no longer in the history.",
                hint="Run its recipe again, or raise --history-size.",
            ) from error

    def remove(self, digest: str) -> None:
        """Delete stored pixels. Harmless when they are gone."""
        # Windows refuses while somebody reads the file; the next eviction tries again.
        with contextlib.suppress(PermissionError):
            self._path(digest).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete what interrupted writes have left."""
        for pattern in ("??/*.partial", "incoming/*"):
            for path in self.folder.glob(pattern):
                path.unlink(missing_ok=True)

    def name_of(self, digest: str) -> str:
        """The name of a file relative to the folder, on every system with a slash."""
        return f"{digest[:2]}/{digest}"

    def _path(self, digest: str) -> Path:
        return self.folder / self.name_of(digest)
