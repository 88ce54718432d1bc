"""One SQLite connection and the one thread that uses it.

Whole transactions are handed to the thread rather than single statements: each hand-over costs the event loop about
as much as a dozen statements cost SQLite.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PRAGMAS = (
    # A second daemon on the same folder would take the first one's running jobs for leftovers.
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
)
LOCK_TIMEOUT = 1.0
"""Seconds to wait for another process that holds the file."""


class Database:
    """A database file that only this process uses while it is open."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread

    @classmethod
    async def open(cls, path: Path, schema: str) -> Database:
        """Open or create a database. Raises `sqlite3.Error` when it cannot be, or when another process has it."""
        thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        try:
            connection = await asyncio.get_running_loop().run_in_executor(thread, _connect, path, schema)
        except sqlite3.Error:
            thread.shutdown(wait=False)
            raise
        return cls(connection, thread)

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in the database's thread, as one transaction that an exception rolls back.

        Who stops waiting does not stop the work.
        """
        # Without the shield, cancelling would also take work back that has not begun.
        return await asyncio.shield(
            asyncio.get_running_loop().run_in_executor(self._thread, _transact, self._connection, work)
        )

    async def close(self) -> None:
        """Close the file, after the work that is under way."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=False)


def _connect(path: Path, schema: str) -> sqlite3.Connection:
    # Only the one thread uses the connection; sqlite3 checks that it does.
    connection = sqlite3.connect(path, isolation_level=None, timeout=LOCK_TIMEOUT)
    try:
        for pragma in PRAGMAS:
            connection.execute(pragma)
        connection.executescript(schema)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _transact(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return result
