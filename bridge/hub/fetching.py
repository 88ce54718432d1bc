"""A model of a hub comes into the hub's own cache: only the files that are needed, several at once, and resumable.

huggingface_hub keeps nothing of a file whose transfer was cut off, and weights are files of many gigabytes. So weights
come by its own transfer into a file of ours beside its blobs, which an attempt after a cut continues; checked against
the checksum that the hub states, it becomes the blob. Everything else about the cache is left to the library.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO, cast

from huggingface_hub import HfApi, constants, hf_hub_download, hf_hub_url
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # exported when they are first asked for
    WeakFileLock,
    build_hf_headers,
)

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.families import family_of_class
from bridge.protocol.model_layout import INDEX_NAME, needed_files

from .cache import repository_folder
from .failures import TRANSFER_ERRORS, damaged, explained, no_room

AT_ONCE = 4
"""Files in transfer. One connection seldom fills a fast line."""
PIECE = 1 << 16
"""Bytes that the library writes at a time. Its own 10 MB are ten seconds of a slow line without a sign of life."""

Tell = Callable[[int, int], None]
"""Called with the bytes that are here and those of all needed files, from any thread and often."""


@dataclass(frozen=True)
class HubFile:
    """A file of a repository.

    Attributes:
        name: its path there.
        size: bytes.
        sha256: its checksum, for a large file; empty otherwise.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Repository:
    """A repository as the hub lists it.

    Attributes:
        hub_id: owner/name.
        commit: the commit that is meant throughout.
        files: by name.
    """

    hub_id: str
    commit: str
    files: dict[str, HubFile]


def fetch(hub_id: str, cache: Path, tell: Tell, *, weights: bool = True) -> Path:
    """Bring a model here as far as it is not, and return its folder.

    Args:
        weights: False for its settings alone, which a checkpoint in a single file needs.

    Raises:
        BridgeError: `model_unusable`, `unsafe_weights` or `download_failed`, in the user's words.
    """
    constants.DOWNLOAD_CHUNK_SIZE = PIECE
    try:
        repository = list_repository(hub_id)
        index = _index_of(repository, cache)
        wanted = [repository.files[name] for name in needed_files(index, repository.files, weights=weights)]
        folder = _Transfer(repository, cache, wanted, tell).run()
        _remember_commit(repository, cache)
    except TRANSFER_ERRORS as error:
        raise explained(hub_id, error) from error
    return folder


def list_repository(hub_id: str) -> Repository:
    """What the hub says of a repository. Raises as `huggingface_hub`."""
    info = HfApi().model_info(hub_id, files_metadata=True)
    files = {
        file.rfilename: HubFile(file.rfilename, int(file.size or 0), file.lfs.sha256 if file.lfs else "")
        for file in info.siblings or ()
    }
    return Repository(hub_id, str(info.sha), files)


def _index_of(repository: Repository, cache: Path) -> dict[str, Any]:
    """Its `model_index.json`, after which it is known whether the rest is worth its bytes."""
    if INDEX_NAME not in repository.files:
        raise _unusable(
            f"{repository.hub_id} is not in the diffusers layout: it has no {INDEX_NAME}.",
            "Single files and other layouts: download them yourself and give their folder as --models-dir.",
        )
    path = hf_hub_download(repository.hub_id, INDEX_NAME, revision=repository.commit, cache_dir=cache)
    try:
        index = json.loads(Path(path).read_text(encoding="utf-8"))
        class_name = str(index.get("_class_name", ""))
    except (ValueError, AttributeError) as error:
        raise _unusable(f"The {INDEX_NAME} of {repository.hub_id} is damaged.", "Take another model.") from error
    if family_of_class(class_name, {}) is None:
        raise _unusable(
            f"{repository.hub_id} is a {class_name or 'nameless'}, no kind of pipeline that this program knows.",
            "Take another model.",
        )
    return cast(dict[str, Any], index)


def _remember_commit(repository: Repository, cache: Path) -> None:
    """What `main` means, as the library writes it for whoever asks for a model without naming a commit."""
    reference = repository_folder(cache, repository.hub_id) / "refs" / "main"
    reference.parent.mkdir(parents=True, exist_ok=True)
    scratch = reference.with_name(f".main.{os.getpid()}")
    scratch.write_text(repository.commit, encoding="utf-8")
    scratch.replace(reference)


class _Transfer:
    """Files on their way into the cache."""

    def __init__(self, repository: Repository, cache: Path, files: Iterable[HubFile], tell: Tell) -> None:
        self._repository = repository
        self._cache = cache
        self._root = repository_folder(cache, repository.hub_id)
        # The largest first, so that none is left alone at the end.
        self._files = sorted(files, key=lambda file: -file.size)
        self._tell = tell
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._here = {file.name: self._stored(file) for file in self._files}

    def run(self) -> Path:
        """Fetch all files; returns the folder that holds them."""
        self._check_room()
        self._report()
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            done, _ = wait([pool.submit(self._fetch, file) for file in self._files], return_when=FIRST_EXCEPTION)
            paths = [each.result() for each in done]
        finally:
            self._over.set()
            pool.shutdown(wait=False, cancel_futures=True)
        return next(path.parent for path in paths if path.name == INDEX_NAME)

    def _check_room(self) -> None:
        needed = sum(file.size for file in self._files) - sum(self._here.values())
        self._root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._root).free
        if needed > free:
            raise no_room(self._repository.hub_id, needed, free)

    def _fetch(self, file: HubFile) -> Path:
        if file.sha256:
            with WeakFileLock(self._lock_of(file)):
                if not self._blob(file).exists():
                    self._fetch_large(file)
        repository = self._repository
        path = Path(hf_hub_download(repository.hub_id, file.name, revision=repository.commit, cache_dir=self._cache))
        self._has(file, file.size)
        return path

    def _fetch_large(self, file: HubFile) -> None:
        part, repository = self._part(file), self._repository
        part.parent.mkdir(parents=True, exist_ok=True)
        if part.exists() and part.stat().st_size > file.size:
            part.unlink()
        with _CountedFile(part, lambda size: self._has(file, size)) as target:
            http_get(
                hf_hub_url(repository.hub_id, file.name, revision=repository.commit),
                cast(BinaryIO, target),
                resume_size=target.tell(),
                headers=build_hf_headers(),
                expected_size=file.size,
            )
        with part.open("rb") as written:
            found = hashlib.file_digest(written, "sha256").hexdigest()
        if found != file.sha256:
            part.unlink()
            raise damaged(repository.hub_id, file.name)
        part.replace(self._blob(file))

    def _has(self, file: HubFile, size: int) -> None:
        if self._over.is_set():
            raise _Abandoned
        with self._lock:
            self._here[file.name] = size
        self._report()

    def _report(self) -> None:
        with self._lock:
            self._tell(sum(self._here.values()), sum(file.size for file in self._files))

    def _stored(self, file: HubFile) -> int:
        """Bytes of a file that are here already."""
        snapshot = self._root / "snapshots" / self._repository.commit / file.name
        if snapshot.exists() or (file.sha256 and self._blob(file).exists()):
            return file.size
        part = self._part(file)
        return min(part.stat().st_size, file.size) if file.sha256 and part.exists() else 0

    def _blob(self, file: HubFile) -> Path:
        return self._root / "blobs" / file.sha256

    def _part(self, file: HubFile) -> Path:
        return self._root / "blobs" / f"{file.sha256}.latent-bridge.incomplete"

    def _lock_of(self, file: HubFile) -> Path:
        """The library's own lock, so that other programs and this one do not fetch the same file twice."""
        lock = self._cache / ".locks" / self._root.name / f"{file.sha256}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        return lock


class _Abandoned(Exception):  # noqa: N818 - an event rather than a mistake
    """Another file has failed, so this one is not needed now."""


class _CountedFile(FileIO):
    """A file that is continued at its end, and tells its size whenever that changes."""

    def __init__(self, path: Path, grown: Callable[[int], None]) -> None:
        super().__init__(path, "r+" if path.exists() else "w+")
        self.seek(0, os.SEEK_END)
        self._grown = grown

    def write(self, data: Any, /) -> int:
        view = memoryview(data)
        written = 0
        while written < len(view):  # the system may take less than it is given, when the disk is nearly full
            written += super().write(view[written:]) or 0
        self._grown(self.tell())
        return written


def _unusable(message: str, hint: str) -> BridgeError:
    return BridgeError(ErrorCode.MODEL_UNUSABLE, message, hint=hint)
