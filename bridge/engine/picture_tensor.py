"""Pictures as torch takes them."""

from __future__ import annotations

import numpy as np
import torch

from .conversion import Floats


def picture_tensor(picture: Floats) -> torch.Tensor:
    """A tensor (1, channels, height, width) on the CPU that views a picture (height, width, channels)."""
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None]
