"""Blending a result into a canvas in the canvas's own format and depth, leaving the rest bit for bit as it was."""

from __future__ import annotations

import numpy as np

from bridge.engine.conversion import Channels, Floats, encode
from bridge.protocol.pixels import ColourSpace, PixelFormat

BAND = 64
"""Rows at a time: it takes numbers of 8 bytes to be exact, and of a large picture these are many."""


def composite(
    canvas: Channels, pixel_format: PixelFormat, colour_space: ColourSpace, painted: Floats, alpha: Floats
) -> Channels:
    """The canvas with the painted colours over it.

    Where alpha is 0 every bit is the canvas's; where it is 1 the result is the painted colour, opaque.

    Args:
        canvas: (height, width, channels) in its format.
        painted: (height, width, 3) sRGB, 0 to 1.
        alpha: (height, width), the compositing mask, 0 to 1.
    """
    out = np.empty_like(canvas)
    for top in range(0, len(canvas), BAND):
        band = slice(top, top + BAND)
        new = encode(painted[band], None, pixel_format, colour_space)
        blended = _over(canvas[band], new, pixel_format, alpha[band, :, None].astype(np.float64))
        whole, nothing = (alpha[band] >= 1)[..., None], (alpha[band] <= 0)[..., None]
        out[band] = np.where(nothing, canvas[band], np.where(whole, new, blended))
    return out


def _over(canvas: Channels, new: Channels, pixel_format: PixelFormat, alpha: Channels) -> Channels:
    # Broken numbers of a float canvas must not spread; where alpha is 0 they are kept by the caller.
    old, fresh = (np.nan_to_num(values.astype(np.float64)) for values in (canvas, new))
    if not pixel_format.has_alpha:
        return _rounded(old + (fresh - old) * alpha, canvas)
    top = 1.0 if pixel_format.is_float else float(np.iinfo(canvas.dtype).max)
    below = old[..., -1:] / top * (1 - alpha)
    together = alpha + below
    colours = (fresh[..., :-1] * alpha + old[..., :-1] * below) / np.maximum(together, 1e-12)
    return _rounded(np.concatenate([colours, together * top], axis=-1), canvas)


def _rounded(values: Channels, like: Channels) -> Channels:
    if np.issubdtype(like.dtype, np.floating):
        largest = float(np.finfo(like.dtype).max)
        return np.clip(values, -largest, largest).astype(like.dtype)
    rounded: Channels = np.rint(np.clip(values, 0, np.iinfo(like.dtype).max)).astype(like.dtype)
    return rounded
