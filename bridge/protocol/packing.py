"""Whether pixels are packed before they are sent: when packing, sending and unpacking is quicker than sending them raw.

That depends on the link, on the machine, and on the picture: the first is measured by whoever owns the link
(`link_speed`), the second while packing, and the third on a few rows. So a fast network and one machine get raw pixels,
a slow network gets packed ones, and noise is sent raw everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from .link_speed import LinkSpeed
from .pixels import Picture
from .planes import packed, sample

SMALLEST_PACKED = 2 << 10
"""Bytes below which a picture is not worth a thought."""
SMALLEST_SAMPLED = 64 << 10
"""Bytes up to which trying the whole takes no longer than trying a part."""
USUAL_RATIO = 2.5
"""How small pictures are taken to become."""
REMOTE_GUESS = 12.5e6
"""Bytes in a second, 100 Mbit/s, that a network is taken for until it is measured."""
LOCAL_GUESS = 1e9
"""Likewise for what looks like this machine, although a tunnel may begin there."""
MARGIN = 1.1
"""How much quicker the other way must be before it is taken: what is about equal shall not alternate."""


@dataclass(frozen=True)
class Speeds:
    """What packing costs on this machine, and presumably on the other, in raw bytes per second."""

    pack: float = 60e6
    unpack: float = 100e6

    def after(self, nbytes: int, seconds: float) -> Speeds:
        """With one more packing taken into account; unpacking is taken to be as much quicker as it was."""
        measured = min(max(nbytes / max(seconds, 1e-6), 5e6), 1e9)
        pack = (self.pack * 3 + measured) / 4
        return Speeds(pack, self.unpack * pack / self.pack)


def gain(speeds: Speeds, link: float, ratio: float) -> float:
    """How many times quicker a picture is over there when it is packed `ratio` times smaller; the link in bytes/s."""
    return (1 / link) / (1 / speeds.pack + 1 / (ratio * link) + 1 / speeds.unpack)


class Packing:
    """Decides for one direction of one connection. One thread at a time may use it.

    Attributes:
        speed: of the link, in this direction.
    """

    def __init__(self, speed: LinkSpeed, clock: Callable[[], float] = time.perf_counter) -> None:
        self.speed = speed
        self._clock = clock
        self._speeds = Speeds()
        self._packs = False

    def pack(self, picture: Picture) -> bytes | None:
        """The packed pixels, or None where they are better sent raw."""
        if picture.nbytes < SMALLEST_PACKED or not self._worth(float("inf")):
            return None
        if picture.nbytes <= SMALLEST_SAMPLED:
            return self._smaller(picture, packed(picture)) if self._worth(USUAL_RATIO) else None
        began = self._clock()
        tried = sample(picture)
        self._packs = self._worth(tried.ratio)
        if not self._packs:
            return None
        data = packed(picture, tried.strategy)
        self._speeds = self._speeds.after(picture.nbytes, self._clock() - began)
        return self._smaller(picture, data)

    @staticmethod
    def _smaller(picture: Picture, data: bytes) -> bytes | None:
        return data if len(data) < picture.nbytes else None

    def _worth(self, ratio: float) -> bool:
        return gain(self._speeds, self.speed.bytes_per_second, ratio) > (1 / MARGIN if self._packs else MARGIN)
