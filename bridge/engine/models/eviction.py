"""Which of the things in memory to give up first: the one that is cheapest to bring back, for the room it takes.

GreedyDual-Size (Cao and Irani, "Cost-Aware WWW Proxy Caching Algorithms", USENIX 1997): an entry is worth the seconds
that bringing it back takes, per byte, on top of a floor that rises to the worth of whatever was given up last. So a
model that loads slowly outlives several that load fast, but not for ever: what is never used again sinks.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class ReloadWorth(Generic[K]):
    """What each entry is worth keeping for."""

    def __init__(self) -> None:
        self._floor = 0.0
        self._worth: dict[K, float] = {}

    def used(self, key: K, reload_seconds: float, size: int) -> None:
        """An entry came in or was used; it would take `reload_seconds` to bring its `size` bytes back."""
        # Taken out and put back, so that of equals the one used least recently comes first.
        self._worth.pop(key, None)
        self._worth[key] = self._floor + reload_seconds / max(1, size)

    def cheapest(self) -> K:
        """The entry to give up first. Raises `ValueError` when there is none."""
        return min(self._worth, key=self._worth.__getitem__)

    def give_up(self, key: K) -> None:
        """An entry had to make room."""
        self._floor = max(self._floor, self._worth.pop(key))

    def forget(self, key: K) -> None:
        """An entry went for another reason. Harmless when it is not there."""
        self._worth.pop(key, None)

    def __len__(self) -> int:
        return len(self._worth)
