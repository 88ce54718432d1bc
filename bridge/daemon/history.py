"""What the daemon remembers: jobs and their lasting events in SQLite, pixels in content-addressed files.

An event is written before anybody is told of it, so that whatever a client has seen survives the daemon.
SQLite runs in WAL mode without a sync per commit: nothing is lost when a process dies, at worst the last moments
when the power fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import ErrorInfo, JobFailed, JobNotice, JobState, JobSummary
from bridge.protocol.pixels import Picture
from bridge.protocol.plain import to_plain
from bridge.protocol.plain_reading import from_plain
from bridge.protocol.tasks import Layer
from bridge.protocol.wire import describe_picture, picture_from

from .database import Database
from .pixel_store import PixelStore, StoredPicture

T = TypeVar("T")

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY, owner TEXT NOT NULL, state TEXT NOT NULL, task TEXT NOT NULL, prompt TEXT NOT NULL,
    images INTEGER NOT NULL, fingerprint TEXT NOT NULL, created REAL NOT NULL, error TEXT
);
CREATE INDEX IF NOT EXISTS jobs_by_time ON jobs (created);
CREATE TABLE IF NOT EXISTS events (
    job_id TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, seq INTEGER NOT NULL, type TEXT NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (job_id, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS results (
    job_id TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, position INTEGER NOT NULL, digest TEXT NOT NULL,
    bytes INTEGER NOT NULL, layer TEXT NOT NULL, created REAL NOT NULL, evicted INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job_id, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS results_by_digest ON results (digest);
"""

LARGE_BYTES = 8 << 20
"""Pixels above this are stored in a thread of their own."""


@dataclass(frozen=True)
class StoredEvent:
    """A lasting event as it lies in the history; a result's pixels stay in their file."""

    seq: int
    type: str
    body: dict[str, Any]


@dataclass(frozen=True)
class JobRecord:
    """What is known of a job beyond its summary."""

    summary: JobSummary
    owner: str
    fingerprint: str
    last_seq: int

    def is_same(self, owner: str, fingerprint: str) -> bool:
        """Whether a submission by `owner` with this fingerprint is this job."""
        return self.owner == owner and self.fingerprint == fingerprint

    def may_run_again(self, owner: str, fingerprint: str) -> bool:
        """Whether such a submission takes the job up again: only what a former daemon did not finish."""
        error = self.summary.error
        interrupted = error is not None and error.code is ErrorCode.INTERRUPTED
        return interrupted and self.is_same(owner, fingerprint)


class History:
    """The daemon's memory. Used from the event loop; files and database are touched in the database's thread."""

    def __init__(self, database: Database, store: PixelStore, limit_bytes: int) -> None:
        self._database = database
        self._store = store
        self._limit_bytes = limit_bytes

    @classmethod
    async def open(cls, folder: Path, limit_bytes: int) -> History:
        """Open or create the history in `folder`; jobs that a former daemon left unfinished become `failed`.

        Raises:
            BridgeError: `internal` when the folder cannot be used.
        """
        store = PixelStore(folder / "pixels")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            store.make_folders()
            database = await Database.open(folder / "history.sqlite", SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise BridgeError(
                ErrorCode.INTERNAL,
                f"The history in {folder} cannot be opened: {error}.",
                hint="Is the disk full, or does another daemon use this folder?",
            ) from error
        await asyncio.to_thread(store.sweep)
        await database.run(_interrupt_leftovers)
        return cls(database, store, limit_bytes)

    async def close(self) -> None:
        """Close the database."""
        await self._database.close()

    async def add_job(self, summary: JobSummary, owner: str, fingerprint: str) -> JobRecord | None:
        """Remember a new job, or that an interrupted one is queued again: its failure becomes a notice.

        Returns what was known of a job of this id before; anything but the same job, interrupted, is left as it is.

        Raises:
            BridgeError: `internal` when it cannot be written, as from all methods that write.
        """

        def write(database: sqlite3.Connection) -> JobRecord | None:
            known = _job(database, summary.job_id)
            if known is not None and not known.may_run_again(owner, fingerprint):
                return known
            if known is not None:
                _pardon(database, known)
            database.execute(
                "INSERT INTO jobs (job_id, owner, state, task, prompt, images, fingerprint, created) "
                "VALUES (?, ?, 'queued', ?, ?, ?, ?, ?) "
                "ON CONFLICT (job_id) DO UPDATE SET state = 'queued', error = NULL",
                (summary.job_id, owner, summary.task, summary.prompt, summary.images, fingerprint, summary.created),
            )
            return known

        return await self._write(write)

    async def add_event(
        self, job_id: str, event: StoredEvent, state: JobState | None = None, error: ErrorInfo | None = None
    ) -> None:
        """Write a lasting event, together with the state that it brings about."""
        await self._write(lambda database: _write_event(database, job_id, event, state, error))

    async def add_result(self, job_id: str, seq: int, position: int, layer: Layer) -> StoredPicture:
        """Store an image and the event that announces it; returns the stored picture, a view of its file.

        Once this returns, the image survives the death of any process.
        """
        picture = layer.picture
        # A small one is hashed on the way; a large one would keep other clients waiting for the database.
        with _told_if_unwritable():
            written = await asyncio.to_thread(self._store.put, picture) if picture.nbytes > LARGE_BYTES else None

        def write(database: sqlite3.Connection) -> StoredPicture:
            digest = written or self._store.put(picture)
            plain = json.dumps(to_plain(layer, lambda one: {**describe_picture(one), "digest": digest}))
            database.execute(
                "INSERT OR REPLACE INTO results (job_id, position, digest, bytes, layer, created) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (job_id, position, digest, picture.nbytes, plain, time.time()),
            )
            _insert_event(database, job_id, StoredEvent(seq, "job_result", {"index": position}))
            return _stored(picture, self._store.view(digest), digest)

        return await self._write(write)

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with _told_if_unwritable():
            return await self._database.run(work)

    async def events(self, job_id: str, after: int = 0) -> list[StoredEvent]:
        """The lasting events of a job after number `after`, in order."""
        query = "SELECT seq, type, body FROM events WHERE job_id = ? AND seq > ? ORDER BY seq"
        rows = await self._database.run(lambda database: database.execute(query, (job_id, after)).fetchall())
        return [StoredEvent(row[0], row[1], json.loads(row[2])) for row in rows]

    async def layer(self, job_id: str, position: int) -> Layer:
        """A stored image.

        Raises:
            BridgeError: `unknown_job` when there never was one, `result_evicted` when it made room for newer ones.
        """

        def read(database: sqlite3.Connection) -> Layer | None:
            query = "SELECT layer, digest FROM results WHERE job_id = ? AND position = ?"
            row = database.execute(query, (job_id, position)).fetchone()
            return self._layer(json.loads(row[0]), row[1]) if row else None

        layer = await self._database.run(read)
        if layer is None:
            raise BridgeError(
                ErrorCode.UNKNOWN_JOB,
                f"Job {job_id} has no image {position}.",
                hint="`latent-bridge jobs` lists the jobs and how many images each has.",
            )
        return layer

    def _layer(self, plain: object, digest: str) -> Layer:
        pixels = self._store.view(digest)
        return from_plain(
            Layer, plain, lambda picture, path: _stored(picture_from(picture, pixels, path), pixels, digest)
        )

    @property
    def pixels(self) -> PixelStore:
        """Where the pixels of results lie."""
        return self._store

    async def job(self, job_id: str, viewer: str = "") -> JobRecord | None:
        """What is known of a job, as the session `viewer` sees it."""
        return await self._database.run(lambda database: _job(database, job_id, viewer))

    async def newest(self, limit: int, viewer: str) -> tuple[JobSummary, ...]:
        """The newest jobs of all sessions, newest first."""
        order = "ORDER BY created DESC, rowid DESC LIMIT ?"
        records = await self._database.run(lambda database: _jobs(database, order, (limit,), viewer))
        return tuple(record.summary for record in records)

    async def evict(self) -> list[str]:
        """Delete the oldest results until the limit holds; returns the jobs that lost pixels. Recipes stay."""
        return await self._write(self._evict)

    def _evict(self, database: sqlite3.Connection) -> list[str]:
        (stored,) = database.execute("SELECT COALESCE(SUM(bytes), 0) FROM results WHERE NOT evicted").fetchone()
        oldest = database.execute(
            "SELECT job_id, position, digest, bytes FROM results WHERE NOT evicted ORDER BY created"
        )
        lost: dict[str, None] = {}
        while stored > self._limit_bytes:
            job_id, position, digest, size = oldest.fetchone()
            database.execute("UPDATE results SET evicted = 1 WHERE job_id = ? AND position = ?", (job_id, position))
            shared = database.execute("SELECT 1 FROM results WHERE digest = ? AND NOT evicted", (digest,)).fetchone()
            if shared is None:
                self._store.remove(digest)
            stored -= size
            lost[job_id] = None
        return list(lost)


@contextlib.contextmanager
def _told_if_unwritable() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BridgeError(
            ErrorCode.INTERNAL,
            f"The history cannot be written: {error}.",
            hint="Is the disk full? `latent-bridge doctor` names the data folder; --history-size limits what it takes.",
        ) from error


def _stored(picture: Picture, pixels: memoryview, digest: str) -> StoredPicture:
    return StoredPicture(picture.width, picture.height, picture.format, pixels, picture.colour_space, digest)


def _write_event(
    database: sqlite3.Connection, job_id: str, event: StoredEvent, state: JobState | None, error: ErrorInfo | None
) -> None:
    _insert_event(database, job_id, event)
    if state is not None:
        plain = json.dumps(to_plain(error, describe_picture)) if error else None
        database.execute("UPDATE jobs SET state = ?, error = ? WHERE job_id = ?", (state, plain, job_id))


def _insert_event(database: sqlite3.Connection, job_id: str, event: StoredEvent) -> None:
    database.execute(
        "INSERT INTO events (job_id, seq, type, body) VALUES (?, ?, ?, ?)",
        (job_id, event.seq, event.type, json.dumps(event.body)),
    )


def _job(database: sqlite3.Connection, job_id: str, viewer: str = "") -> JobRecord | None:
    records = _jobs(database, "WHERE job_id = ?", (job_id,), viewer)
    return records[0] if records else None


def _jobs(database: sqlite3.Connection, where: str, values: Sequence[object], viewer: str) -> list[JobRecord]:
    rows = database.execute(
        "SELECT job_id, state, task, prompt, created, images, owner, error, fingerprint, "
        "(SELECT COUNT(*) FROM results WHERE results.job_id = jobs.job_id), "
        f"(SELECT COALESCE(MAX(seq), 0) FROM events WHERE events.job_id = jobs.job_id) FROM jobs {where}",
        tuple(values),
    )
    return [_record(row, viewer) for row in rows]


def _interrupt_leftovers(database: sqlite3.Connection) -> None:
    for record in _jobs(database, "WHERE state IN ('queued', 'running')", (), ""):
        error = ErrorInfo(
            ErrorCode.INTERRUPTED,
            "The daemon ended before this job did.",
            "Send it again; images that were done are kept.",
        )
        failed = JobFailed(job_id=record.summary.job_id, seq=record.last_seq + 1, error=error)
        event = StoredEvent(failed.seq, failed.type, to_plain(failed, describe_picture))
        _write_event(database, failed.job_id, event, "failed", error)


def _pardon(database: sqlite3.Connection, known: JobRecord) -> None:
    """Let an interrupted job's last event no longer end it. Its number stays taken: none is ever missing."""
    notice = ErrorInfo(ErrorCode.INTERRUPTED, "The daemon ended before this job did; it was sent again.")
    event = JobNotice(job_id=known.summary.job_id, seq=known.last_seq, notice=notice)
    database.execute(
        "UPDATE events SET type = ?, body = ? WHERE job_id = ? AND seq = ?",
        (event.type, json.dumps(to_plain(event, describe_picture)), event.job_id, event.seq),
    )


def _record(row: tuple[Any, ...], viewer: str) -> JobRecord:
    error = from_plain(ErrorInfo, json.loads(row[7]), no_picture) if row[7] else None
    summary = JobSummary(
        job_id=row[0],
        state=row[1],
        task=row[2],
        prompt=row[3],
        created=row[4],
        images=row[5],
        results=row[9],
        mine=bool(viewer) and row[6] == viewer,
        error=error,
    )
    return JobRecord(summary, row[6], row[8], row[10])


def no_picture(_plain: object, path: str) -> Picture:
    """Reads pictures of events that have none."""
    raise BridgeError(ErrorCode.INTERNAL, f"Field {path} holds a picture where there can be none.")
