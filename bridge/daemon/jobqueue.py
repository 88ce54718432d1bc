"""Whose turn it is. Pure: no clock, no I/O.

Interactive jobs go before batch jobs. Within a class the session that has used the device least goes first, by
seconds and not by number of jobs, so that many small jobs and few large ones are treated alike. A session that
comes back after a pause starts level with the others instead of with the credit of its absence (start-time fair
queueing, Goyal et al. 1996).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

PRIORITIES = ("interactive", "batch")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """A waiting job."""

    key: str
    owner: str
    priority: str
    job: T


class FairQueue(Generic[T]):
    """Waiting jobs in the order in which they would run if nothing else came."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry[T]] = {}
        self._used: dict[str, float] = {}
        self._floor = 0.0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: str) -> bool:
        return key in self._entries

    def push(self, key: str, owner: str, priority: str, job: T) -> None:
        """Add a job. A session without waiting jobs gets no credit for its absence."""
        if not any(entry.owner == owner for entry in self._entries.values()):
            self._used[owner] = max(self._used.get(owner, 0.0), self._floor)
        self._entries[key] = Entry(key, owner, priority, job)

    def remove(self, key: str) -> T | None:
        """Take a job out of the queue; None when it is not in it."""
        entry = self._entries.pop(key, None)
        return entry.job if entry else None

    def pop(self) -> T | None:
        """Take the next job; None when nothing waits."""
        best = next(iter(self._ordered()), None)
        if best is None:
            return None
        del self._entries[best.key]
        self._floor = max(self._floor, self._used.get(best.owner, 0.0))
        return best.job

    def charge(self, owner: str, seconds: float) -> None:
        """Record that a session has used the device."""
        self._used[owner] = self._used.get(owner, 0.0) + seconds

    def in_order(self) -> list[T]:
        """The waiting jobs as they would run if nothing else came."""
        return [entry.job for entry in self._ordered()]

    def count(self, owner: str) -> int:
        """Waiting jobs of a session."""
        return sum(entry.owner == owner for entry in self._entries.values())

    def _ordered(self) -> list[Entry[T]]:
        # What a job will cost is not known beforehand, so the forecast lets sessions take turns after the first.
        turns: Counter[tuple[str, str]] = Counter()
        ranked = []
        for arrival, entry in enumerate(self._entries.values()):
            turn = turns[entry.owner, entry.priority]
            turns[entry.owner, entry.priority] += 1
            used = self._used.get(entry.owner, 0.0)
            ranked.append(((PRIORITIES.index(entry.priority), turn, used, arrival), entry))
        ranked.sort(key=lambda pair: pair[0])
        return [entry for _, entry in ranked]
