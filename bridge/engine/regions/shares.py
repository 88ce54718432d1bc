"""How much each region's prompt has to say about every part of what is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from bridge.engine.conversion import Floats, channels_of
from bridge.engine.plan import Plan
from bridge.engine.resampling import resize_mask
from bridge.engine.upscale.enlarging import enlarged_from
from bridge.engine.upscale.tiles import Tiles
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.tasks import Region

_STRIP = 16
"""Rows of latents whose share is worked out together: what it takes does not grow with the picture's height."""


def check_regions(regions: Sequence[Region]) -> None:
    """Raise `BridgeError` (`invalid_field`) for a mask that cannot be used."""
    for number, region in enumerate(regions):
        if region.mask.format is not PixelFormat.GRAY8:
            raise BridgeError(
                ErrorCode.INVALID_FIELD,
                f"The mask of region {number + 1} is {region.mask.format.value}.",
                hint="A mask is gray8: 255 is the region, 0 is not.",
                field=f"task.regions[{number}].mask",
            )


@dataclass
class Shares:
    """The shares of some regions in what a plan computes."""

    regions: Sequence[Region]
    plan: Plan
    _found: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict, init=False)

    def of(self, rows: int, columns: int) -> torch.Tensor:
        """Shares (1 + regions, rows, columns), `float32`, of the task's own prompt and of each region.

        They sum up to 1 everywhere. Where regions overlap to more than everything, all are reduced alike.
        """
        if (rows, columns) not in self._found:
            masks = [self._seen(region.mask, rows, columns) * np.float32(region.strength) for region in self.regions]
            weights = torch.from_numpy(np.stack(masks))
            weights = weights / weights.sum(0).clamp(min=1)
            self._found[rows, columns] = torch.cat([(1 - weights.sum(0)).clamp(min=0)[None], weights])
        return self._found[rows, columns]

    def _seen(self, mask: Picture, rows: int, columns: int) -> Floats:
        """A mask (rows, columns), 0 to 1, as it lies over the latents."""
        if self.plan.tiles is not None:
            return _tiled(mask, self.plan.tiles, rows, columns)
        view = self.plan.view
        if view is None:
            raise BridgeError(ErrorCode.TASK_UNSUPPORTED, "This task takes no regions.", field="task.regions")
        grey = channels_of(mask)[..., 0].astype(np.float32) / np.float32(255)
        return _averaged(view.seen(resize_mask(grey, view.width, view.height)[..., None])[..., 0], rows, columns)


def _tiled(mask: Picture, tiles: Tiles, rows: int, columns: int) -> Floats:
    """The same without a mask of the size of what is computed, which may be any."""
    whole = replace(enlarged_from(mask, *tiles.canvas, "none"), wrap_x=tiles.wrap_x, wrap_y=tiles.wrap_y)
    found = np.empty((rows, columns), np.float32)
    side = tiles.height // rows
    for top in range(0, rows, _STRIP):
        strip = found[top : top + _STRIP]
        colours, _ = whole.region(0, top * side, tiles.width, len(strip) * side)
        strip[:] = _averaged(colours[..., 0], len(strip), columns)
    return found


def _averaged(mask: Floats, rows: int, columns: int) -> Floats:
    averaged = torch.nn.functional.interpolate(
        torch.from_numpy(np.ascontiguousarray(mask))[None, None], (rows, columns), mode="area"
    )
    # In as many steps as a mask has, so that what resampling leaves of a white one is still all of it.
    found: Floats = np.rint(averaged[0, 0].numpy() * 255) / np.float32(255)
    return found
