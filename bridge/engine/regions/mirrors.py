"""What a prompt is shown beyond its own region: the region itself, mirrored at its border.

A network that sees red bricks on the left paints reddish water on the right. While the picture takes shape each prompt
therefore sees its own part going on where others are; mirrored noise is noise of the same strength, so that nothing
looks odd to the network at any step.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage

OWN = 0.5
"""Where a prompt has more than this part of its largest share, the picture is its own."""


def mirrored_places(share: torch.Tensor) -> torch.Tensor | None:
    """For every cell of a grid (rows, columns), `int64`, the number of the cell to show there instead, row by row.

    Where the mirror image lies in another's part as well, which is farther off than the region is wide, the cell stays
    itself: a small region keeps sight of the rest. None when nothing changes.

    Args:
        share: of one prompt, (rows, columns), 0 to 1.
    """
    own = share.numpy() > OWN * float(share.max())
    if own.all() or not own.any():
        return None
    rows, columns = own.shape
    nearest: npt.NDArray[np.int32] = ndimage.distance_transform_edt(~own, return_distances=False, return_indices=True)
    here = np.indices(own.shape)
    # The first cell beyond the border shows the last one before it.
    inwards = np.sign(nearest - here)
    mirrored = 2 * nearest - here - inwards
    inside = (mirrored >= 0).all(0) & (mirrored[0] < rows) & (mirrored[1] < columns)
    found = np.where(inside, mirrored, here)
    usable = own[found[0], found[1]] & ~own
    places = np.where(usable, found[0] * columns + found[1], here[0] * columns + here[1])
    return torch.from_numpy(places.astype(np.int64))


def shown(grid: torch.Tensor, places: torch.Tensor | None) -> torch.Tensor:
    """A grid (n, channels, rows, columns) with its cells in other places."""
    if places is None:
        return grid
    return grid.flatten(2)[:, :, places.flatten().to(grid.device)].reshape(grid.shape)
