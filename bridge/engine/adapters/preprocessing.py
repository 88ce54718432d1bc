"""Guiding pictures from ordinary ones: what ControlNets of a kind were trained to see, without a model of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bridge.engine.conversion import Floats
from bridge.engine.resampling import resize
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import ESTIMATED, PREPROCESSORS

from .normal_picture import normals_of_surface

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of ITU-R BT.601, with which edge detectors usually see grey."""
CANNY_SIGMA = 1.4
CANNY_LOW, CANNY_HIGH = 0.1, 0.2
"""The library's own: a step in brightness of about 0.09 begins an edge, one of half of that continues it."""
LINE_WIDTH = 1.0
LINE_GAIN = 6.0
SOFT_SIGMA = 2.0
"""Of the edges that `softedge` draws, in px: as wide as those of the networks whose place it takes."""
SOFT_GAIN = 8.0
TILE_FACTOR = 4
"""How many times smaller a picture is made that a tile ControlNet is to paint the details of."""
BLUR_SHARE = 1 / 64
"""Spread of the blur, as a share of the shorter side."""


def preprocess(name: str, picture: Floats, field: str) -> Floats:
    """The guiding picture (height, width, 3), 0 to 1, of an ordinary one of the same size in sRGB.

    Lines are white on black.

    Raises:
        BridgeError: `invalid_field` for a name that is not in `PREPROCESSORS`.
    """
    check_name(name, field)
    if name in _OF_COLOURS:
        return _OF_COLOURS[name](picture)
    grey = _OF_GREY[name](np.asarray(picture @ _LUMA, dtype=np.float32))
    return np.repeat(grey[..., None], 3, axis=-1).astype(np.float32)


def check_name(name: str, field: str, models: Sequence[str] = ()) -> None:
    """Raise `BridgeError` (`invalid_field`) for a preprocessor that there is not, neither here nor among `models`."""
    known = (*PREPROCESSORS, *models)
    if name not in known:
        raise BridgeError(
            ErrorCode.INVALID_FIELD,
            f"There is no model for {name} pictures here."
            if name in ESTIMATED
            else f"There is no preprocessor {name!r}.",
            hint=f"There are {', '.join(known)}; leave it empty for a picture that guides as it is.",
            field=field,
        )


def canny(grey: Floats) -> Floats:
    """Edges, one pixel wide (Canny, "A Computational Approach to Edge Detection", PAMI 1986)."""
    from skimage.feature import canny as edges

    found = edges(grey, sigma=CANNY_SIGMA, low_threshold=CANNY_LOW, high_threshold=CANNY_HIGH, mode="nearest")
    return np.asarray(found, dtype=np.float32)


def lineart(grey: Floats) -> Floats:
    """Strokes: where it is darker than just around, by a difference of Gaussians (Winnemöller, "XDoG", 2011)."""
    from skimage.filters import difference_of_gaussians

    darker = -difference_of_gaussians(grey, LINE_WIDTH, mode="nearest")
    strokes: Floats = np.clip(darker * LINE_GAIN, 0, 1).astype(np.float32)
    return strokes


def softedge(grey: Floats) -> Floats:
    """Edges as bright as they are strong, and as wide as a soft pencil's: the slope of a smoothed picture."""
    from scipy.ndimage import gaussian_gradient_magnitude

    slope = gaussian_gradient_magnitude(grey, SOFT_SIGMA, mode="nearest")
    edges: Floats = np.clip(slope * SOFT_GAIN, 0, 1).astype(np.float32)
    return edges


def tile(picture: Floats) -> Floats:
    """The picture without its finest details, for a tile ControlNet to paint them anew."""
    height, width = picture.shape[:2]
    small = resize(picture, max(1, width // TILE_FACTOR), max(1, height // TILE_FACTOR))
    return resize(small, width, height)


def blur(picture: Floats) -> Floats:
    """The picture out of focus: its colours and masses, nothing else."""
    from scipy.ndimage import gaussian_filter

    spread = max(1.0, min(picture.shape[:2]) * BLUR_SHARE)
    blurred: Floats = gaussian_filter(picture, (spread, spread, 0), mode="nearest").astype(np.float32)
    return np.clip(blurred, 0, 1)


def _same(grey: Floats) -> Floats:
    return np.clip(grey, 0, 1)


_OF_GREY: Mapping[str, Callable[[Floats], Floats]] = {
    "canny": canny,
    "lineart": lineart,
    "softedge": softedge,
    "grey": _same,
}
_OF_COLOURS: Mapping[str, Callable[[Floats], Floats]] = {"tile": tile, "blur": blur, "normal": normals_of_surface}
