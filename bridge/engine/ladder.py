"""What to do when memory runs out: cheaper settings, one after the other, each of them announced."""

from __future__ import annotations

from collections.abc import Callable

from bridge.protocol.errors import BridgeError, ErrorCode

from .device import Device
from .models.loading import LoadedModel
from .models.shelf import ModelShelf


class MemoryLadder:
    """The rungs of one job. Each is climbed once, cheapest first, and stays in force until the job ends.

    Attributes:
        savings: names of the settings in force, for the recipe.
        together: whether images may still be denoised together.
    """

    def __init__(self, device: Device, shelf: ModelShelf, model: LoadedModel) -> None:
        self._device = device
        self._shelf = shelf
        self._model = model
        self.savings: list[str] = []
        self.together = True
        self._rungs: list[Callable[[int], str]] = [self._free, self._one_by_one, self._tile, self._offload]

    def climb(self, batch: int) -> BridgeError:
        """Take the next rung and return the notice about it.

        Args:
            batch: how many images were being denoised together.

        Raises:
            BridgeError: `out_of_memory` when there is none left.
        """
        while self._rungs:
            done = self._rungs.pop(0)(batch)
            if done:
                return BridgeError(
                    ErrorCode.OUT_OF_MEMORY, f"Memory ran out; {done}, and the image is tried again.", hint=HINT
                )
        raise out_of_memory(self._device)

    def restore(self) -> None:
        """Undo what would change the pixels of a later job."""
        if "vae_tiling" in self.savings:
            self._model.set_vae_savings(False)

    def _free(self, _: int) -> str:
        others = self._shelf.drop_others(self._model.source)
        self.savings.append("freed_caches")
        return "other models were put away" if others else "caches were freed"

    def _one_by_one(self, batch: int) -> str:
        if batch < 2:
            return ""
        self.together = False
        self.savings.append("one_by_one")
        return "images are now made one by one"

    def _tile(self, _: int) -> str:
        if not self._model.set_vae_savings(True):
            return ""
        self.savings.append("vae_tiling")
        return "the autoencoder now works in tiles"

    def _offload(self, _: int) -> str:
        if not self._device.is_accelerator or self._model.offloaded:
            return ""
        self._model.offload(self._device)
        self.savings.append("model_offload")
        return "parts of the model now rest in main memory, which is slower"


HINT = "A smaller picture, fewer images at once or a smaller model needs less memory."


def out_of_memory(device: Device) -> BridgeError:
    """The error when nothing cheaper is left, with numbers."""
    free, total = device.memory_free() / 2**30, device.memory_total() / 2**30
    return BridgeError(
        ErrorCode.OUT_OF_MEMORY,
        f"There is not enough memory on {device.name}: {free:.1f} of {total:.1f} GiB are free.",
        hint=HINT,
    )
