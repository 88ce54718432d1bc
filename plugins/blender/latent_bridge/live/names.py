# SPDX-License-Identifier: GPL-3.0-or-later
"""Which canvases the daemon has, for fields that offer them."""

from __future__ import annotations

import time

from .. import session
from ..vendored import canvases, errors

REFRESH_SECONDS = 2.0


class CanvasNames:
    """Names of the daemon's canvases, as they were a moment ago: fields may ask for them with every key."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ()
        self._asked_at = float("-inf")

    def refresh(self) -> None:
        """Ask anew, at most every two seconds."""
        if session.current().state != "connected" or time.monotonic() - self._asked_at < REFRESH_SECONDS:
            return
        self._asked_at = time.monotonic()
        session.current().connection.ask(lambda bridge: bridge.list_canvases(), self._answered)

    def _answered(self, infos: tuple[canvases.CanvasInfo, ...] | None, error: errors.BridgeError | None) -> None:
        if infos is not None:
            self.names = tuple(sorted(info.name for info in infos))
