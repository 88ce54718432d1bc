"""A model's content hash, computed beside the work rather than before it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

_CHUNK = 1 << 20
FileKey = tuple[str, int, int]


class Fingerprints:
    """Hashes of models. A file is read once for as long as its path, size and time of change stay the same."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model hash")
        self._files: dict[FileKey, bytes] = {}

    def start(self, root: Path, files: Sequence[Path]) -> Future[str]:
        """Begin hashing in the background. The result is "sha256:…" over the sorted names and hashes of the files."""
        return self._pool.submit(self._hash, root, tuple(sorted(files)))

    def _hash(self, root: Path, files: Sequence[Path]) -> str:
        whole = hashlib.sha256()
        for path in files:
            whole.update(path.relative_to(root).as_posix().encode() + b"\0" + self._file(path))
        return f"sha256:{whole.hexdigest()}"

    def _file(self, path: Path) -> bytes:
        found = path.stat()
        key = (str(path), found.st_size, found.st_mtime_ns)
        if key not in self._files:
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
            self._files[key] = digest.digest()
        return self._files[key]
