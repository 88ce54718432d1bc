"""When the stages of a frame began, for its stamps."""

from __future__ import annotations

from collections.abc import Callable

from bridge.protocol.live import LiveStamps
from bridge.protocol.messages import Stage


class StageClock:
    """Notes the first moment of every stage.

    Args:
        now: seconds since the epoch.
        free: when what was done before was over.
    """

    def __init__(self, now: Callable[[], float], free: float) -> None:
        self._now = now
        self._free = free
        self._began = now()
        self._stages: dict[Stage, float] = {}

    def entered(self, stage: Stage) -> None:
        """A stage has begun, or goes on."""
        self._stages.setdefault(stage, self._now())

    def stamps(self, decoded: float) -> LiveStamps:
        """The stamps of a frame that had become pixels at `decoded`."""
        encoded = self._stages.get("denoising", self._began)
        return LiveStamps(
            free=self._free,
            started=self._began,
            encoded=encoded,
            denoised=self._stages.get("decoding", encoded),
            decoded=decoded,
        )
