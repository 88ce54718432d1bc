"""Pixel formats and pictures as they travel: rows top-down, tightly packed, straight alpha."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .errors import BridgeError, ErrorCode

Buffer = bytes | bytearray | memoryview

MAX_SIDE = 65536
"""No picture is wider or higher than this, whatever the daemon's own limits say."""


class PixelFormat(str, Enum):
    """Channel order and depth. Integers are little-endian; `f` formats are IEEE floats, 0 to 1 nominal."""

    GRAY8 = "gray8"
    GRAYA8 = "graya8"
    RGB8 = "rgb8"
    RGBA8 = "rgba8"
    BGRA8 = "bgra8"
    GRAY16 = "gray16"
    RGB16 = "rgb16"
    RGBA16 = "rgba16"
    BGRA16 = "bgra16"
    GRAY32F = "gray32f"
    RGB32F = "rgb32f"
    RGBA16F = "rgba16f"
    RGBA32F = "rgba32f"

    @property
    def channels(self) -> int:
        """Number of channels, 1 to 4."""
        if self.value.startswith("graya"):
            return 2
        if self.value.startswith("gray"):
            return 1
        return 4 if self.has_alpha else 3

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.value.startswith(("graya", "rgba", "bgra"))

    @property
    def bytes_per_channel(self) -> int:
        """1, 2 or 4."""
        if "32" in self.value:
            return 4
        return 2 if "16" in self.value else 1

    @property
    def is_float(self) -> bool:
        """Whether channels are IEEE floats."""
        return self.value.endswith("f")

    @property
    def bytes_per_pixel(self) -> int:
        """Size of one pixel in bytes."""
        return self.channels * self.bytes_per_channel


class ColourSpace(str, Enum):
    """What the numbers mean. Everything that a model sees is converted to sRGB first."""

    SRGB = "srgb"
    LINEAR_SRGB = "linear-srgb"
    DATA = "data"
    """No colours at all, such as heights or normals: taken as they are, and never converted."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Raw pixels with everything needed to read them. Two are equal when they show the same, wherever it lies.

    Attributes:
        width: pixels, 1 to 65536.
        height: pixels, 1 to 65536.
        format: channel order and depth.
        pixels: `width * height * format.bytes_per_pixel` bytes, rows top-down without padding.
        colour_space: the meaning of the numbers.

    Raises:
        BridgeError: `invalid_field` when a side is out of range or the buffer has another length.
    """

    width: int
    height: int
    format: PixelFormat
    pixels: Buffer
    colour_space: ColourSpace = ColourSpace.SRGB

    def __post_init__(self) -> None:
        if not (1 <= self.width <= MAX_SIDE and 1 <= self.height <= MAX_SIDE):
            raise BridgeError(
                ErrorCode.INVALID_FIELD,
                f"A picture of {self.width} × {self.height} pixels is not possible.",
                hint=f"Sides go from 1 to {MAX_SIDE} pixels.",
            )
        expected = self.width * self.height * self.format.bytes_per_pixel
        actual = memoryview(self.pixels).nbytes
        if actual != expected:
            raise BridgeError(
                ErrorCode.INVALID_FIELD,
                f"A {self.format.value} picture of {self.width} × {self.height} pixels has {expected} bytes, "
                f"not {actual}.",
            )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Picture):
            return NotImplemented
        return self._shape == other._shape and self.pixels == other.pixels

    def __hash__(self) -> int:
        return hash(self._shape)

    @property
    def _shape(self) -> tuple[object, ...]:
        return self.width, self.height, self.format, self.colour_space

    @property
    def nbytes(self) -> int:
        """Size of the pixels in bytes."""
        return self.width * self.height * self.format.bytes_per_pixel
