"""A model's content hash, computed beside the work rather than before it, and remembered across starts."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

CACHE_NAME = "model-hashes.json"
MAX_REMEMBERED = 10_000
_CHUNK = 1 << 20
_SAMPLE = 1 << 16


class Fingerprints:
    """Hashes of models. A file is read once for as long as its contents seem to be the same.

    What a file seems to be is its size, its time of change, and its first and last 64 KiB; not its name, so that one
    that was moved or renamed is recognised without being read again.

    Args:
        cache: a JSON file that remembers across processes; None to remember in memory alone.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model hash")
        self._cache = cache
        self._known: dict[str, str] | None = None
        self.files_read = 0
        """How many files had to be read in full."""

    def start(self, root: Path, files: Sequence[Path]) -> Future[str]:
        """Begin hashing in the background. The result is "sha256:…" over the sorted names and hashes of the files.

        Args:
            root: names are relative to it; the file itself for a model in a single file, whose name does not matter.
        """
        return self._pool.submit(self._hash, root, tuple(sorted(files)))

    def _hash(self, root: Path, files: Sequence[Path]) -> str:
        whole = hashlib.sha256()
        before = self.files_read
        for path in files:
            whole.update(path.relative_to(root).as_posix().encode() + b"\0" + self._file(path))
        if self.files_read != before:
            self._remember()
        return f"sha256:{whole.hexdigest()}"

    def _file(self, path: Path) -> bytes:
        known = self._recalled()
        key = _likeness(path)
        if key not in known:
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
            known[key] = digest.hexdigest()
            self.files_read += 1
        return bytes.fromhex(known[key])

    def _recalled(self) -> dict[str, str]:
        if self._known is None:
            self._known = {} if self._cache is None else _read(self._cache)
        return self._known

    def _remember(self) -> None:
        if self._cache is None:
            return
        newest = dict(list(self._recalled().items())[-MAX_REMEMBERED:])
        scratch = self._cache.with_suffix(f".{os.getpid()}")
        # To have to read the files again another time is no reason to fail a job.
        with contextlib.suppress(OSError):
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_text(json.dumps(newest), encoding="utf-8")
            scratch.replace(self._cache)


def _likeness(path: Path) -> str:
    found = path.stat()
    sample = hashlib.sha256()
    with path.open("rb") as file:
        sample.update(file.read(_SAMPLE))
        file.seek(max(0, found.st_size - _SAMPLE))
        sample.update(file.read(_SAMPLE))
    return f"{found.st_size}-{found.st_mtime_ns}-{sample.hexdigest()}"


def _read(cache: Path) -> dict[str, str]:
    """What was remembered; nothing when the file is not there or was damaged."""
    try:
        value = json.loads(cache.read_text(encoding="utf-8"))
        sound = {str(key): digest for key, digest in value.items() if len(bytes.fromhex(digest)) == 32}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
    return sound
