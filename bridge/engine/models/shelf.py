"""Models that stay in memory between jobs, within a budget of bytes.

A device with memory of its own gives up what it has no room for to main memory, and main memory in the end to nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from bridge.engine.device import Device
from bridge.protocol.engine_link import ModelSource

from .eviction import ReloadWorth
from .fingerprint import Fingerprints
from .loading import LoadedModel, load_model
from .parking import Parking

BUDGET_FRACTION = 0.5
"""Share of the device's memory that weights may fill; the rest is for computing with them."""


class ModelShelf:
    """Loads models and keeps as many as fit the budget; the ones that are cheapest to load again leave first.

    Where they leave the device for lack of room, they are parked in main memory if they fit there.

    Args:
        budget: bytes that all weights together may take; None for half of the device's memory. A single model that
            is larger is loaded all the same, alone.
        hashes: file that remembers content hashes of models across processes; None for none.
        parking: where models rest that left the device; None for nowhere.
    """

    def __init__(
        self,
        device: Device,
        budget: int | None = None,
        hashes: Path | None = None,
        parking: Parking[LoadedModel] | None = None,
    ) -> None:
        self._device = device
        self._budget = int(device.memory_total() * BUDGET_FRACTION) if budget is None else budget
        self._parking = Parking[LoadedModel](0) if parking is None else parking
        self._models: dict[str, LoadedModel] = {}
        self._load_seconds: dict[str, float] = {}
        self._worth: ReloadWorth[str] = ReloadWorth()
        self._fingerprints = Fingerprints(hashes)

    @property
    def bytes(self) -> int:
        """What the weights on the device take."""
        return sum(model.bytes for model in self._models.values())

    def get(self, source: ModelSource, check: Callable[[], None]) -> LoadedModel:
        """The model, brought back from main memory or loaded now if need be.

        Args:
            check: called while loading; raises when the job is to stop.

        Raises:
            BridgeError: `unsafe_weights` or `model_unusable`.
        """
        key = source.location
        model = self._models.get(key)
        if model is None:
            check()
            model = self._brought_back(key) or self._loaded(source, check)
        model.source = source
        self._keep(key, model)
        return model

    def holds(self, source: ModelSource) -> bool:
        """Whether the model is on the device."""
        return source.location in self._models

    def has_parked(self, source: ModelSource) -> bool:
        """Whether the model rests in main memory."""
        return self._parking.holds(source.location)

    def has_room_for(self, source: ModelSource, *, beside: ModelSource) -> bool:
        """Whether a model is here, or can be loaded without the one `beside` which it is wanted having to go."""
        if self.holds(source):
            return True
        kept = self._models.get(beside.location)
        return _expected_bytes(source) + (kept.bytes if kept is not None else 0) <= self._budget

    def drop_others(self, source: ModelSource) -> bool:
        """Put every model away but one, because the device's memory is short. Returns whether there was any."""
        others = [key for key in self._models if key != source.location]
        for key in others:
            self._put_away(key)
        self._device.free_caches()
        return bool(others)

    def drop(self, source: ModelSource) -> None:
        """Forget a model, such as one that came to harm."""
        self._remove(source.location)
        self._parking.take(source.location)
        self._device.free_caches()

    def clear(self, *, park: bool = False) -> int:
        """Give the device's memory back. Returns the bytes that the weights held.

        Args:
            park: models may rest in main memory, as they will be wanted again soon; else they go from there, too.
        """
        held = self.bytes
        for key in list(self._models):
            self._put_away(key, park=park)
        if not park:
            held += self._parking.clear()
        self._device.free_caches()
        return held

    def _loaded(self, source: ModelSource, check: Callable[[], None]) -> LoadedModel:
        self._make_room(_expected_bytes(source))
        began = time.perf_counter()
        model = load_model(source, self._device, self._fingerprints.start, check)
        self._load_seconds[source.location] = time.perf_counter() - began
        return model

    def _brought_back(self, key: str) -> LoadedModel | None:
        """A model from main memory, whose place there is free from now on; None when it is not there."""
        model = self._parking.take(key)
        if model is not None:
            self._make_room(model.bytes)
            model.move(self._device.place)
        return model

    def _keep(self, key: str, model: LoadedModel) -> None:
        """Put a model on the shelf, or back on it; others go if need be.

        Only now its size is certain: files may hold other number formats than the device computes in, and a model
        grows by the adapters that are put into it.
        """
        self._remove(key)
        self._make_room(model.bytes)
        self._models[key] = model
        self._worth.used(key, self._load_seconds[key], model.bytes)

    def _make_room(self, needed: int) -> None:
        dropped = False
        while self._models and self.bytes + needed > self._budget:
            key = self._worth.cheapest()
            self._worth.give_up(key)
            self._put_away(key)
            dropped = True
        if dropped:
            self._device.free_caches()

    def _put_away(self, key: str, *, park: bool = True) -> None:
        """Off the device; to main memory, where it fits and may."""
        model = self._models[key]
        self._remove(key)
        # One whose parts come and go by hooks is in main memory by half already, and would have to be made anew.
        if park and not model.offloaded:
            self._parking.park(key, model, self._load_seconds[key])

    def _remove(self, key: str) -> None:
        self._models.pop(key, None)
        self._worth.forget(key)


def _expected_bytes(source: ModelSource) -> int:
    """What the weights will take, from the sizes of their files."""
    path = Path(source.location)
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.glob("*/*.safetensors"))
