"""The encoding `planes`: pixels without loss in a half to a tenth of the bytes, by the standard library alone.

Pictures are cut into bands of as many rows as fit into 64 KiB, at least one. In each band, in this order,

1. every channel becomes its difference from the one above it, modulo its size; the row above the first is zero,
2. pixels are taken apart into planes: first the first byte of every pixel, then the second byte of every pixel…
3. in pictures with colours the bytes of the first and third channel become their differences from those of the second,
   modulo 256.

All bands one after another are one zlib stream (RFC 1950). The first step is PNG's filter "Up" (PNG, section 9), the
third the subtraction of green of lossless WebP (RFC 9649, section 4.3). Pure Python does both at some 200 MB/s, because
whole bands are calculated with as one integer: Warren, Hacker's Delight, 2-18, "Multibyte Add, Subtract".
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .errors import BridgeError, ErrorCode
from .pixels import Buffer, Picture, PixelFormat

NAME = "planes"
BAND_BYTES = 1 << 16
STRATEGIES = (zlib.Z_RLE, zlib.Z_DEFAULT_STRATEGY)
"""The first suits photographs and is quicker, the second suits flat colours; readers need not know which was used."""
_LEVEL = 1
_SAMPLED_BANDS = 3


@dataclass(frozen=True)
class Sample:
    """What a few rows say about a whole picture.

    Attributes:
        ratio: bytes of the pixels for each byte of the encoding.
        strategy: the member of `STRATEGIES` that did best.
    """

    ratio: float
    strategy: int


def sample(picture: Picture) -> Sample:
    """Try the encoding on rows from three places; takes a millisecond."""
    bands = _Bands.of(picture.width, picture.format)
    rows = min(max(1, bands.rows // 4), picture.height)
    tops = sorted({(picture.height - rows) * part // (_SAMPLED_BANDS + 1) for part in range(1, _SAMPLED_BANDS + 1)})
    pixels = memoryview(picture.pixels).cast("B")
    ready = [bands.prepared(pixels, top, rows) for top in tops]
    sizes = {strategy: len(_deflated(ready, strategy)) for strategy in STRATEGIES}
    best = min(STRATEGIES, key=sizes.__getitem__)
    return Sample(sum(map(len, ready)) / sizes[best], best)


def packed(picture: Picture, strategy: int = zlib.Z_RLE) -> bytes:
    """Encode the pixels of a picture."""
    bands = _Bands.of(picture.width, picture.format)
    pixels = memoryview(picture.pixels).cast("B")
    return _deflated((bands.prepared(pixels, top, rows) for top, rows in bands.cut(picture.height)), strategy)


def unpacked(data: Buffer, width: int, height: int, pixel_format: PixelFormat) -> bytearray:
    """Decode pixels. Memory is taken as it is filled, and never more than the picture's size and a band.

    Raises:
        BridgeError: `invalid_field` when this is not the encoding of a picture of that size and format.
    """
    bands = _Bands.of(width, pixel_format)
    stream = zlib.decompressobj()
    pixels, rest = bytearray(), data
    above = 0
    try:
        for _, rows in bands.cut(height):
            band = stream.decompress(rest, rows * bands.row_bytes)
            rest = stream.unconsumed_tail
            if len(band) != rows * bands.row_bytes:
                raise _damaged("it ends too early")
            above = bands.restore(band, above, pixels)
        more = stream.decompress(rest, 1)
    except zlib.error as error:
        raise _damaged("it is no zlib stream") from error
    if more or not stream.eof or stream.unused_data:
        raise _damaged("it does not end with the picture")
    return pixels


@dataclass(frozen=True)
class _Lanes:
    """Calculates with many small numbers at once, which lie side by side in one integer.

    Attributes:
        high: the highest bit of each.
        low: all other bits.
    """

    high: int
    low: int

    @classmethod
    @functools.lru_cache(maxsize=16)
    def of(cls, count: int, size: int) -> _Lanes:
        """`count` numbers of `size` bytes."""
        high = int.from_bytes((bytes(size - 1) + b"\x80") * count, "little")
        return cls(high, high ^ ((1 << 8 * size * count) - 1))

    def minus(self, x: int, y: int) -> int:
        """x - y; bits of y beyond the numbers do not matter."""
        return ((x | self.high) - (y & self.low)) ^ ((x ^ y) & self.high) ^ self.high

    def plus(self, x: int, y: int) -> int:
        """x + y."""
        return ((x & self.low) + (y & self.low)) ^ ((x ^ y) & self.high)


@dataclass(frozen=True)
class _Bands:
    """How pictures of one width and format are cut.

    Attributes:
        format: of the pixels.
        row_bytes: of one row.
        rows: of one band; the last may have fewer.
    """

    format: PixelFormat
    row_bytes: int
    rows: int

    @classmethod
    def of(cls, width: int, pixel_format: PixelFormat) -> _Bands:
        row_bytes = width * pixel_format.bytes_per_pixel
        return cls(pixel_format, row_bytes, max(1, BAND_BYTES // row_bytes))

    def cut(self, height: int) -> Iterator[tuple[int, int]]:
        """Top and number of rows of each band."""
        return ((top, min(self.rows, height - top)) for top in range(0, height, self.rows))

    def prepared(self, pixels: memoryview, top: int, rows: int) -> bytes:
        """A band after the three steps."""
        start, end = top * self.row_bytes, (top + rows) * self.row_bytes
        above = bytes(pixels[start - self.row_bytes : start]) if top else bytes(self.row_bytes)
        both = int.from_bytes(above + pixels[start:end], "little")
        differences = self._channels(end - start).minus(both >> 8 * self.row_bytes, both)
        band = differences.to_bytes(end - start, "little")
        step = self.format.bytes_per_pixel
        if step == 1:
            return band
        planes = [band[first::step] for first in range(step)]
        self._recolour(planes, _Lanes.minus)
        return b"".join(planes)

    def restore(self, band: bytes, above: int, pixels: bytearray) -> int:
        """Undo the three steps, appending to `pixels`; takes the row above as an integer and returns the last one."""
        step = self.format.bytes_per_pixel
        if step > 1:
            length = len(band) // step
            planes = [band[first : first + length] for first in range(0, len(band), length)]
            self._recolour(planes, _Lanes.plus)
            whole = bytearray(len(band))
            for first, plane in enumerate(planes):
                whole[first::step] = plane
            band = bytes(whole)
        plus = self._channels(self.row_bytes).plus
        for start in range(0, len(band), self.row_bytes):
            above = plus(int.from_bytes(band[start : start + self.row_bytes], "little"), above)
            pixels += above.to_bytes(self.row_bytes, "little")
        return above

    def _channels(self, nbytes: int) -> _Lanes:
        return _Lanes.of(nbytes // self.format.bytes_per_channel, self.format.bytes_per_channel)

    def _recolour(self, planes: list[bytes], change: Callable[[_Lanes, int, int], int]) -> None:
        if self.format.channels < 3:
            return
        size, length = self.format.bytes_per_channel, len(planes[0])
        lanes = _Lanes.of(length, 1)
        for second in range(size, 2 * size):
            green = int.from_bytes(planes[second], "little")
            for other in (second - size, second + size):
                planes[other] = change(lanes, int.from_bytes(planes[other], "little"), green).to_bytes(length, "little")


def _deflated(parts: Iterable[bytes], strategy: int) -> bytes:
    stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
    return b"".join([*map(stream.compress, parts), stream.flush()])


def _damaged(problem: str) -> BridgeError:
    return BridgeError(ErrorCode.INVALID_FIELD, f"its {NAME} cannot be read: {problem}")
