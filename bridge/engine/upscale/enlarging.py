"""An enlarged picture that is never held: any part of it is resampled when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.engine.conversion import Channels, Floats, channels_of, decode, encode, picture_of
from bridge.engine.resampling import LANCZOS_REACH, lanczos
from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat
from bridge.protocol.tasks import Seamless

STRIP = 2**18
"""Pixels that are finished together, at least one row: what is needed besides does not grow with the picture."""


@dataclass(frozen=True)
class Enlarged:
    """A picture of another size, by Lanczos.

    Attributes:
        channels: (height, width, channels) of the picture as it is; only read.
        pixel_format: of `channels`.
        colour_space: of `channels`.
        width: of the enlarged picture, in px.
        height: likewise.
        wrap_x: what lies beyond left and right is the opposite side; else the outermost pixels go on.
        wrap_y: likewise for top and bottom.
    """

    channels: Channels
    pixel_format: PixelFormat
    colour_space: ColourSpace
    width: int
    height: int
    wrap_x: bool = False
    wrap_y: bool = False

    def region(self, x: int, y: int, width: int, height: int) -> tuple[Floats, Floats | None]:
        """Colours (height, width, 3) as sRGB, 0 to 1, and alpha (height, width) or None, of a rectangle in px.

        The rectangle may reach beyond the picture.
        """
        rows, top, bottom = self._taken(y, height, self.channels.shape[0], self.height, self.wrap_y)
        columns, left, right = self._taken(x, width, self.channels.shape[1], self.width, self.wrap_x)
        rgb, alpha = decode(self.channels[np.ix_(rows, columns)], self.pixel_format, self.colour_space)
        box = (left, top, right, bottom)
        if alpha is None or bool((alpha == 1).all()):
            opaque = None if alpha is None else np.ones((height, width), np.float32)
            return lanczos(rgb, width, height, box), opaque
        # Colours under transparent pixels are arbitrary and must not bleed into visible ones.
        scaled_alpha = lanczos(alpha[..., None], width, height, box)
        premultiplied = (rgb * alpha[..., None]).astype(np.float32)
        colours = lanczos(premultiplied, width, height, box) / np.maximum(scaled_alpha, 1e-4)
        plain = lanczos(rgb, width, height, box)
        visible: Floats = np.where(scaled_alpha > 1e-3, np.clip(colours, 0, 1), plain).astype(np.float32)
        return visible, np.ascontiguousarray(scaled_alpha[..., 0])

    def over_neutral(self, x: int, y: int, width: int, height: int) -> Floats:
        """Colours over mid grey, as a model is to see them."""
        rgb, alpha = self.region(x, y, width, height)
        return rgb if alpha is None else (0.5 + (rgb - 0.5) * alpha[..., None]).astype(np.float32)

    def written(self, painted: Channels | None, result_format: PixelFormat) -> Picture:
        """The enlarged picture in a format, strip by strip.

        Args:
            painted: (height, width, 3) colours, sRGB, 0 to 1, of at least its size; None keeps its own.
        """
        out: Channels | None = None
        for top, rows in self._strips():
            colours, alpha = self.region(0, top, self.width, rows)
            if painted is not None:
                colours = painted[top : top + rows, : self.width].astype(np.float32)
            strip = encode(colours, alpha, result_format, self.colour_space)
            if out is None:
                out = np.empty((self.height, self.width, strip.shape[-1]), strip.dtype)
            out[top : top + rows] = strip
        if out is None:
            raise ValueError("a picture has at least one row")
        return picture_of(out, result_format, self.colour_space)

    def halves(self) -> Channels:
        """All of its colours (height, width, 3) in half precision, strip by strip."""
        out = np.empty((self.height, self.width, 3), np.float16)
        for top, rows in self._strips():
            out[top : top + rows] = self.region(0, top, self.width, rows)[0]
        return out

    def _strips(self) -> Iterator[tuple[int, int]]:
        """First row and number of rows of every strip."""
        rows = max(1, STRIP // self.width)
        return ((top, min(rows, self.height - top)) for top in range(0, self.height, rows))

    @staticmethod
    def _taken(
        start: int, length: int, before: int, after: int, wrap: bool
    ) -> tuple[npt.NDArray[np.int64], float, float]:
        """Which pixels of the smaller picture are needed, and where among them the span begins and ends."""
        scale = before / after
        first, last = start * scale, (start + length) * scale
        reach = math.ceil(LANCZOS_REACH * max(1.0, scale)) + 1
        begin, end = math.floor(first) - reach, math.ceil(last) + reach
        places = np.arange(begin, end)
        places = places % before if wrap else np.clip(places, 0, before - 1)
        return places, first - begin, last - begin


def enlarged_from(image: Picture, width: int, height: int, sides: Seamless) -> Enlarged:
    """A picture in another size in px, that continues across `sides`."""
    return Enlarged(
        channels_of(image), image.format, image.colour_space, width, height, wrap_x="x" in sides, wrap_y="y" in sides
    )


def of_floats(rgb: Channels, width: int, height: int, *, wrap_x: bool = False, wrap_y: bool = False) -> Enlarged:
    """Colours (height, width, 3), sRGB, 0 to 1, in another size."""
    return Enlarged(rgb, PixelFormat.RGB32F, ColourSpace.SRGB, width, height, wrap_x, wrap_y)
