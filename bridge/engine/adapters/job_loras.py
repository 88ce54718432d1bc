"""The LoRAs that a job asks for, image by image."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bridge.engine.models.loading import LoadedModel
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.tasks import LoraUse

from .sources import find_source

FIELD = "task.loras"


@dataclass(frozen=True)
class JobLoras:
    """Finds the LoRAs of a job among its adapters and applies them to its model."""

    model: LoadedModel
    sources: Sequence[AdapterSource]

    def applied(self, uses: Sequence[LoraUse]) -> AbstractContextManager[None]:
        """Have these LoRAs act while the context lasts.

        Raises:
            BridgeError: one is not known, cannot be read or does not fit the model.
        """
        return self.model.loras.applied(self.model, self._found(uses), FIELD)

    def recipe(self, uses: Sequence[LoraUse]) -> list[dict[str, object]]:
        """What the recipe says of these LoRAs: id, type, weight, and the hash of the file."""
        return [
            {
                "id": source.id,
                "type": source.type,
                "weight": weight,
                "hash": self.model.loras.held(self.model, source, FIELD).digest,
            }
            for source, weight in self._found(uses)
            if weight
        ]

    def _found(self, uses: Sequence[LoraUse]) -> list[tuple[AdapterSource, float]]:
        """Sources with weights; a LoRA named twice acts once, with the sum."""
        weights: dict[str, float] = {}
        for use in uses:
            weights[use.name] = weights.get(use.name, 0.0) + use.weight
        return [(find_source(self.sources, name, ("lora",), FIELD), weight) for name, weight in weights.items()]
