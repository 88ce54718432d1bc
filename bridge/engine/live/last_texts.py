"""What the text encoders made of the prompt of the last frame, which is usually that of the next one too."""

from __future__ import annotations

import weakref
from collections.abc import Hashable, Mapping
from typing import Any

from bridge.engine.models.loading import LoadedModel
from bridge.engine.prompting.image_prompts import ImagePrompts
from bridge.engine.prompting.reading import reading_of


class LastTexts:
    """Remembers one prompt's embeddings, for as long as its model is in memory."""

    def __init__(self) -> None:
        self._model: weakref.ref[LoadedModel] | None = None
        self._key: Hashable = None
        self._arguments: Mapping[str, Any] = {}

    def of(self, model: LoadedModel, pipe: Any, prompts: ImagePrompts, altered_by: Hashable) -> Mapping[str, Any]:
        """What a pipeline of the model is called with for these prompts.

        Args:
            altered_by: whatever else changes what its text encoders say, such as LoRAs.
        """
        key = (type(pipe), prompts, altered_by)
        if self._model is None or self._model() is not model or self._key != key:
            self._arguments = reading_of(pipe).arguments([prompts])
            self._model, self._key = weakref.ref(model), key
        return self._arguments
