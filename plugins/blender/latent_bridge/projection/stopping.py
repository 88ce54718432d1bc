# SPDX-License-Identifier: GPL-3.0-or-later
"""Long calculations that somebody may stop: they ask at every part whether to go on. Pure."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_WISH: ContextVar[threading.Event | None] = ContextVar("stop", default=None)


class Stopped(Exception):  # noqa: N818 - no error: somebody wished it
    """The calculation was stopped; what it would have changed is as it was."""


@contextmanager
def stoppable(wish: threading.Event) -> Iterator[None]:
    """What runs in here, on this thread, stops by `Stopped` once the wish is set."""
    token = _WISH.set(wish)
    try:
        yield
    finally:
        _WISH.reset(token)


def checkpoint() -> None:
    """Between two parts of a calculation.

    Raises:
        Stopped: it is no longer wanted.
    """
    wish = _WISH.get()
    if wish is not None and wish.is_set():
        raise Stopped
