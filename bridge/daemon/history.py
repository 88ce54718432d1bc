"""What the daemon remembers: jobs and their lasting events in SQLite, pixels in content-addressed files.

An event is written before anybody is told of it, so that whatever a client has seen survives the daemon.
SQLite runs in WAL mode without a sync per commit: nothing is lost when a process dies, at worst the last moments
when the power fails.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiosqlite

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import ErrorInfo, JobFailed, JobState, JobSummary
from bridge.protocol.pixels import Picture
from bridge.protocol.plain import from_plain, to_plain
from bridge.protocol.tasks import Layer
from bridge.protocol.wire import describe_picture, picture_from

from .pixel_store import PixelStore

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


class History:
    """The daemon's memory. Used from the event loop; blocking work happens in threads."""

    def __init__(self, database: aiosqlite.Connection, store: PixelStore, limit_bytes: int) -> None:
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
            database = await _open_database(folder / "history.sqlite")
        except (OSError, aiosqlite.Error) as error:
            raise BridgeError(
                ErrorCode.INTERNAL,
                f"The history in {folder} cannot be opened: {error}.",
                hint="Is the disk full, or does another daemon use this folder?",
            ) from error
        await asyncio.to_thread(store.sweep)
        history = cls(database, store, limit_bytes)
        await history._interrupt_leftovers()
        return history

    async def close(self) -> None:
        """Close the database."""
        await self._database.close()

    async def add_job(self, summary: JobSummary, owner: str, fingerprint: str) -> None:
        """Remember a new job, or that an interrupted one is queued again (its failure is forgotten then)."""
        await self._database.execute("DELETE FROM events WHERE job_id = ? AND type = 'job_failed'", (summary.job_id,))
        await self._database.execute(
            "INSERT INTO jobs (job_id, owner, state, task, prompt, images, fingerprint, created) "
            "VALUES (?, ?, 'queued', ?, ?, ?, ?, ?) "
            "ON CONFLICT (job_id) DO UPDATE SET state = 'queued', error = NULL",
            (summary.job_id, owner, summary.task, summary.prompt, summary.images, fingerprint, summary.created),
        )

    async def add_event(
        self, job_id: str, event: StoredEvent, state: JobState | None = None, error: ErrorInfo | None = None
    ) -> None:
        """Write a lasting event, together with the state that it brings about."""
        await self._database.execute("BEGIN")
        try:
            await self._insert_event(job_id, event)
            if state is not None:
                plain = json.dumps(to_plain(error, describe_picture)) if error else None
                await self._database.execute(
                    "UPDATE jobs SET state = ?, error = ? WHERE job_id = ?", (state, plain, job_id)
                )
            await self._database.execute("COMMIT")
        except BaseException:
            await self._database.execute("ROLLBACK")
            raise

    async def add_result(self, job_id: str, seq: int, position: int, layer: Layer) -> Picture:
        """Store an image and the event that announces it; returns the stored picture, a view of its file.

        Once this returns, the image survives the death of any process.
        """
        digest = await asyncio.to_thread(self._store.put, layer.picture.pixels)
        plain = json.dumps(to_plain(layer, lambda picture: {**describe_picture(picture), "digest": digest}))
        await self._database.execute("BEGIN")
        try:
            await self._database.execute(
                "INSERT OR REPLACE INTO results (job_id, position, digest, bytes, layer, created) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (job_id, position, digest, layer.picture.nbytes, plain, time.time()),
            )
            await self._insert_event(job_id, StoredEvent(seq, "job_result", {"index": position}))
            await self._database.execute("COMMIT")
        except BaseException:
            await self._database.execute("ROLLBACK")
            raise
        return replace(layer.picture, pixels=await asyncio.to_thread(self._store.view, digest))

    async def _insert_event(self, job_id: str, event: StoredEvent) -> None:
        await self._database.execute(
            "INSERT INTO events (job_id, seq, type, body) VALUES (?, ?, ?, ?)",
            (job_id, event.seq, event.type, json.dumps(event.body)),
        )

    async def events(self, job_id: str, after: int = 0) -> list[StoredEvent]:
        """The lasting events of a job after number `after`, in order."""
        rows = await self._database.execute_fetchall(
            "SELECT seq, type, body FROM events WHERE job_id = ? AND seq > ? ORDER BY seq", (job_id, after)
        )
        return [StoredEvent(row[0], row[1], json.loads(row[2])) for row in rows]

    async def layer(self, job_id: str, position: int) -> Layer:
        """A stored image.

        Raises:
            BridgeError: `unknown_job` when there never was one, `result_evicted` when it made room for newer ones.
        """
        rows = list(
            await self._database.execute_fetchall(
                "SELECT layer, digest FROM results WHERE job_id = ? AND position = ?", (job_id, position)
            )
        )
        if not rows:
            raise BridgeError(
                ErrorCode.UNKNOWN_JOB,
                f"Job {job_id} has no image {position}.",
                hint="`latent-bridge jobs` lists the jobs and how many images each has.",
            )
        pixels = await asyncio.to_thread(self._store.view, rows[0][1])
        return from_plain(Layer, json.loads(rows[0][0]), lambda plain, path: picture_from(plain, pixels, path))

    async def job(self, job_id: str, viewer: str = "") -> JobRecord | None:
        """What is known of a job, as the session `viewer` sees it."""
        records = await self._jobs("WHERE job_id = ?", (job_id,), viewer)
        return records[0] if records else None

    async def newest(self, limit: int, viewer: str) -> tuple[JobSummary, ...]:
        """The newest jobs of all sessions, newest first."""
        records = await self._jobs("ORDER BY created DESC, rowid DESC LIMIT ?", (limit,), viewer)
        return tuple(record.summary for record in records)

    async def _jobs(self, where: str, values: Sequence[object], viewer: str) -> list[JobRecord]:
        rows = await self._database.execute_fetchall(
            "SELECT job_id, state, task, prompt, created, images, owner, error, fingerprint, "
            "(SELECT COUNT(*) FROM results WHERE results.job_id = jobs.job_id), "
            f"(SELECT COALESCE(MAX(seq), 0) FROM events WHERE events.job_id = jobs.job_id) FROM jobs {where}",
            tuple(values),
        )
        return [_record(row, viewer) for row in rows]

    async def evict(self) -> list[str]:
        """Delete the oldest results until the limit holds; returns the jobs that lost pixels. Recipes stay."""
        lost: list[str] = []
        while True:
            row = await self._one("SELECT COALESCE(SUM(bytes), 0) FROM results WHERE NOT evicted")
            if row[0] <= self._limit_bytes:
                return lost
            oldest = await self._one(
                "SELECT job_id, position, digest FROM results WHERE NOT evicted ORDER BY created LIMIT 1"
            )
            await self._database.execute(
                "UPDATE results SET evicted = 1 WHERE job_id = ? AND position = ?", (oldest[0], oldest[1])
            )
            shared = await self._one("SELECT COUNT(*) FROM results WHERE digest = ? AND NOT evicted", (oldest[2],))
            if shared[0] == 0:
                await asyncio.to_thread(self._store.remove, oldest[2])
            if oldest[0] not in lost:
                lost.append(oldest[0])

    async def _one(self, query: str, values: Sequence[object] = ()) -> aiosqlite.Row:
        rows = list(await self._database.execute_fetchall(query, tuple(values)))
        return rows[0]

    async def _interrupt_leftovers(self) -> None:
        records = await self._jobs("WHERE state IN ('queued', 'running')", (), "")
        for record in records:
            error = ErrorInfo(
                ErrorCode.INTERRUPTED,
                "The daemon ended before this job did.",
                "Send it again; images that were done are kept.",
            )
            failed = JobFailed(job_id=record.summary.job_id, seq=record.last_seq + 1, error=error)
            event = StoredEvent(failed.seq, failed.type, to_plain(failed, describe_picture))
            await self.add_event(failed.job_id, event, "failed", error)


async def _open_database(path: Path) -> aiosqlite.Connection:
    database = await aiosqlite.connect(path, isolation_level=None, timeout=1.0)
    try:
        # A second daemon on the same folder would take the first one's running jobs for leftovers.
        await database.execute("PRAGMA locking_mode = EXCLUSIVE")
        await database.execute("PRAGMA journal_mode = WAL")
        await database.execute("PRAGMA synchronous = NORMAL")
        await database.execute("PRAGMA foreign_keys = ON")
        await database.executescript(SCHEMA)
    except aiosqlite.Error:
        await database.close()  # its thread would keep the process alive
        raise
    return database


def _record(row: aiosqlite.Row, viewer: str) -> JobRecord:
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
