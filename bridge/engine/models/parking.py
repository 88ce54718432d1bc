"""Main memory as the second place for weights: what had to leave the device rests here, and comes back by a copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import psutil
import torch

from bridge.engine.device import is_out_of_memory

from .eviction import ReloadWorth

BUDGET_FRACTION = 0.25
"""Share of main memory that parked weights may fill; other programs live there as well."""
LEFT_FREE = 0.1
"""Share of main memory that has to stay free when something is parked."""


class Movable(Protocol):
    """A model whose weights can be moved."""

    bytes: int

    def move(self, place: torch.device) -> None:
        """Put all weights there."""
        ...


M = TypeVar("M", bound=Movable)


class Parking(Generic[M]):
    """Models in main memory, as many as fit; the ones that are cheapest to load again leave first, and for good.

    Args:
        budget: bytes that all of them together may take; None for a quarter of main memory.
        free: bytes of main memory that are free for it now.
    """

    def __init__(self, budget: int | None = None, free: Callable[[], int] | None = None) -> None:
        self._budget = int(psutil.virtual_memory().total * BUDGET_FRACTION) if budget is None else budget
        self._free = _free_now if free is None else free
        self._models: dict[str, M] = {}
        self._worth: ReloadWorth[str] = ReloadWorth()

    @property
    def bytes(self) -> int:
        """What the weights parked here take."""
        return sum(model.bytes for model in self._models.values())

    def holds(self, key: str) -> bool:
        """Whether a model rests here."""
        return key in self._models

    def park(self, key: str, model: M, load_seconds: float) -> bool:
        """Move a model here from its device, where it fits; others go if need be. Returns whether it is here.

        Args:
            load_seconds: what loading it from its files would take.
        """
        # One that does not fit makes nobody go.
        if model.bytes > self._budget or model.bytes > self._free() + self.bytes:
            return False
        while self._models and (self.bytes + model.bytes > self._budget or model.bytes > self._free()):
            cheapest = self._worth.cheapest()
            self._worth.give_up(cheapest)
            del self._models[cheapest]
        try:
            model.move(torch.device("cpu"))
        except (MemoryError, RuntimeError) as error:
            if is_out_of_memory(error):
                return False
            raise
        self._models[key] = model
        self._worth.used(key, load_seconds, model.bytes)
        return True

    def take(self, key: str) -> M | None:
        """A model that rested here, which is the caller's to move from now on; None when there is none."""
        self._worth.forget(key)
        return self._models.pop(key, None)

    def clear(self) -> int:
        """Forget all. Returns the bytes that they held."""
        held = self.bytes
        for key in list(self._models):
            self.take(key)
        return held


def _free_now() -> int:
    memory = psutil.virtual_memory()
    return int(memory.available - memory.total * LEFT_FREE)
