"""What the daemon asks of an engine. One implementation is a process on this machine; others may be elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol

from bridge.protocol.engine_link import LinkMessage, Ready, Run, Tick

EngineState = Literal["starting", "ready", "busy", "restarting", "stopped"]


@dataclass(frozen=True)
class EngineStatus:
    """The engine as it is now.

    Attributes:
        state: what it does.
        ready: what it said of itself when it became ready; None before the first time.
        problem: why it cannot be started, when `state` is "stopped".
    """

    state: EngineState
    ready: Ready | None = None
    problem: str = ""


class EngineDied(Exception):  # noqa: N818 - an event rather than a mistake
    """The engine ended in the middle of a job."""


class Engine(Protocol):
    """Runs one job at a time, and beside it makes one live frame at a time."""

    @property
    def status(self) -> EngineStatus:
        """The engine as it is now."""
        ...

    async def start(self) -> None:
        """Begin starting the engine; returns at once."""
        ...

    async def wait_ready(self) -> None:
        """Wait until jobs may come.

        Raises:
            BridgeError: `engine_unavailable` when the engine cannot be started.
        """
        ...

    def run(self, run: Run | Tick) -> AsyncIterator[LinkMessage]:
        """Run a job or make a frame; the last message is its `Ended`.

        Raises:
            EngineDied: the engine ended first; it is being restarted.
        """
        ...

    async def release(self, *, park: bool) -> int:
        """Put all models away, between jobs; returns the bytes that they held. 0 when no engine runs.

        Args:
            park: where the device has memory of its own, they may rest in main memory and be back soon.
        """
        ...

    def abort(self, job_id: str) -> None:
        """Stop a job within one step. Harmless when it does not run."""
        ...

    async def close(self) -> None:
        """End the engine, whatever it does."""
        ...
