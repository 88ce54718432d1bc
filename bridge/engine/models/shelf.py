"""Models that stay in memory between jobs, the least recently used leaving first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from bridge.engine.device import Device
from bridge.protocol.engine_link import ModelSource

from .fingerprint import Fingerprints
from .loading import LoadedModel, load_model

BUDGET_FRACTION = 0.5
"""Share of the device's memory that weights may fill; the rest is for computing with them."""


class ModelShelf:
    """Loads models and keeps as many as fit the budget."""

    def __init__(self, device: Device, budget: int | None = None) -> None:
        self._device = device
        self._budget = int(device.memory_total() * BUDGET_FRACTION) if budget is None else budget
        self._models: OrderedDict[tuple[str, bool], LoadedModel] = OrderedDict()
        self._fingerprints = Fingerprints()

    def get(self, source: ModelSource, check: Callable[[], None]) -> LoadedModel:
        """The model, loaded now if need be.

        Args:
            check: called while loading; raises when the job is to stop.

        Raises:
            BridgeError: `unsafe_weights` or `model_unusable`.
        """
        key = (source.location, source.local)
        found = self._models.get(key)
        if found is not None:
            found.source = source
            self._models.move_to_end(key)
            return found
        self._make_room(_expected_bytes(source))
        model = load_model(source, self._device, self._fingerprints.start, check)
        self._models[key] = model
        return model

    def holds(self, source: ModelSource) -> bool:
        """Whether the model is in memory."""
        return (source.location, source.local) in self._models

    def drop_others(self, source: ModelSource) -> bool:
        """Forget every model but one, because memory is short. Returns whether there was any."""
        keys = [key for key in self._models if key != (source.location, source.local)]
        for key in keys:
            del self._models[key]
        self._device.free_caches()
        return bool(keys)

    def drop(self, source: ModelSource) -> None:
        """Forget a model, such as one that came to harm."""
        self._models.pop((source.location, source.local), None)
        self._device.free_caches()

    def _make_room(self, needed: int) -> None:
        dropped = False
        while self._models and sum(model.bytes for model in self._models.values()) + needed > self._budget:
            self._models.popitem(last=False)
            dropped = True
        if dropped:
            self._device.free_caches()


def _expected_bytes(source: ModelSource) -> int:
    """What the weights will take, from the sizes of their files; 0 for a model that is not here yet."""
    if not source.local:
        return 0
    return sum(file.stat().st_size for file in Path(source.location).glob("*/*.safetensors"))
