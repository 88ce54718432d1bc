"""Stopping a job: a flag that the reader thread sets and the owner thread looks at."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


class JobAborted(Exception):  # noqa: N818 - an event rather than a mistake
    """The job is to stop here. Never leaves the engine."""


@dataclass(frozen=True)
class AbortFlag:
    """Whether a job is to stop. Safe to set from any thread."""

    _event: threading.Event = field(default_factory=threading.Event)

    def set(self) -> None:
        """Ask for the job to stop."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether the job is to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `JobAborted` if the job is to stop. Called between components, steps and stages."""
        if self._event.is_set():
            raise JobAborted
