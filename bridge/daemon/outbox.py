"""What a connection has still to send. A slow reader misses previews and old progress, never a result."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from bridge.protocol.messages import JobEvent, JobPreview, JobProgress, JobQueued, Message

SUPERSEDED_BY_THEIR_LIKE: tuple[type[JobEvent], ...] = (JobPreview, JobProgress, JobQueued)
MOST_WAITING = 4096
"""A reader this far behind is cut off; it can connect again and resume."""


class Later(Protocol):
    """Something to send whose words are chosen when its turn comes, so that they are the newest."""

    def message(self) -> Message | None:
        """What to send now; None when there is nothing to say any more."""


class Outbox:
    """A queue in which a newer preview, progress or position of a job replaces the one that still waits."""

    def __init__(self) -> None:
        self._waiting: deque[Message | Later] = deque()
        self._filled = asyncio.Event()
        self.overflowed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Message) -> None:
        """Add a message; never blocks."""
        if isinstance(message, SUPERSEDED_BY_THEIR_LIKE):
            for position, other in enumerate(self._waiting):
                if type(other) is type(message) and getattr(other, "job_id", None) == message.job_id:
                    del self._waiting[position]
                    break
        if len(self._waiting) >= MOST_WAITING:
            self.overflowed = True
        else:
            self._waiting.append(message)
        self._filled.set()

    def put_last(self, later: Later) -> None:
        """Let something be sent after everything that waits; if it waited itself, it now waits at the end."""
        if later in self._waiting:
            self._waiting.remove(later)
        self._waiting.append(later)
        self._filled.set()

    async def get(self) -> Message | None:
        """The next message, waiting for one; None once the outbox has overflowed."""
        while not self.overflowed:
            while self._waiting and not self.overflowed:
                first = self._waiting.popleft()
                message = first if isinstance(first, Message) else first.message()
                if message is not None:
                    return message
            self._filled.clear()
            await self._filled.wait()
        return None
