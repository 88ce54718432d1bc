"""Guiding pictures from ordinary ones: what ControlNets of a kind were trained to see, without a model of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bridge.engine.conversion import Floats
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import PREPROCESSORS

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of ITU-R BT.601, with which edge detectors usually see grey."""
CANNY_SIGMA = 1.4
CANNY_LOW, CANNY_HIGH = 0.1, 0.2
"""The library's own: a step in brightness of about 0.09 begins an edge, one of half of that continues it."""
LINE_WIDTH = 1.0
LINE_GAIN = 6.0


def preprocess(name: str, picture: Floats, field: str) -> Floats:
    """The guiding picture (height, width, 3), white on black, 0 to 1, of an ordinary one of the same size in sRGB.

    Raises:
        BridgeError: `invalid_field` for a name that is not in `PREPROCESSORS`.
    """
    check_name(name, field)
    lines = _MAKERS[name](np.asarray(picture @ _LUMA, dtype=np.float32))
    return np.repeat(lines[..., None], 3, axis=-1).astype(np.float32)


def check_name(name: str, field: str, models: Sequence[str] = ()) -> None:
    """Raise `BridgeError` (`invalid_field`) for a preprocessor that there is not, neither here nor among `models`."""
    if name not in (*PREPROCESSORS, *models):
        raise BridgeError(
            ErrorCode.INVALID_FIELD,
            f"There is no preprocessor {name!r}.",
            hint=f"There are {', '.join(PREPROCESSORS)}; leave it empty for a picture that guides as it is.",
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


_MAKERS: Mapping[str, Callable[[Floats], Floats]] = {"canny": canny, "lineart": lineart}
