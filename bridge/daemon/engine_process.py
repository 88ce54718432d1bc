"""The engine as a child process: started, watched, restarted, and killed when it does not listen."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import structlog

from bridge.protocol.engine_link import (
    LENGTH,
    Abort,
    Ended,
    LinkMessage,
    Ready,
    Release,
    Released,
    Run,
    Shutdown,
    Tick,
    decode_link,
    encode_link,
)
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.shared_pixels import SharedPixels

from .engine import EngineDied, EngineState, EngineStatus
from .waiting import first_of

log = structlog.get_logger()

START_ATTEMPTS = 3
"""Failed starts in a row after which the engine counts as stopped, until the next job asks for it."""
ABORT_GRACE = 30.0
"""Seconds that an engine gets to stop a job. One that takes longer hangs in a library, and is killed."""
CLOSE_GRACE = 3.0
"""Seconds that an engine gets to end by itself."""


class EngineProcess:
    """An `Engine` in a process of its own. It can be killed at any moment; the daemon notices at once."""

    def __init__(self, command: Sequence[str], shared: SharedPixels, results: SharedPixels, log_file: Path) -> None:
        self._command = tuple(command)
        self._shared = shared
        self._results = results
        self._log_file = log_file
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._stopped = asyncio.Event()
        self._wanted = asyncio.Event()
        self._about: Ready | None = None
        self._state: EngineState = "starting"
        self._problem = ""
        self._running: dict[str, asyncio.Queue[LinkMessage | None]] = {}
        """What comes of each job and frame that the process has, by id."""
        self._closing = False
        self._releasing: list[asyncio.Future[int]] = []

    @property
    def status(self) -> EngineStatus:
        """The engine as it is now."""
        state: EngineState = "busy" if self._state == "ready" and self._running else self._state
        return EngineStatus(state, self._about, self._problem)

    @property
    def pid(self) -> int:
        """Process id; 0 when none runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    async def start(self) -> None:
        """Begin starting the process."""
        if self._supervisor is None:
            self._supervisor = asyncio.create_task(self._supervise(), name="engine supervisor")

    async def wait_ready(self) -> None:
        """Wait until jobs may come. Raises `BridgeError` (`engine_unavailable`)."""
        if self._stopped.is_set():
            self._stopped.clear()
            self._state = "starting"
            self._wanted.set()
        await first_of(self._ready, self._stopped)
        if not self._ready.is_set():
            raise BridgeError(
                ErrorCode.ENGINE_UNAVAILABLE,
                f"The engine cannot be started: {self._problem}",
                hint=f"`latent-bridge doctor` tells what is missing; the log is {self._log_file}.",
            )

    async def run(self, run: Run | Tick) -> AsyncIterator[LinkMessage]:
        """Run a job or make a frame; see `Engine.run`."""
        if not self._ready.is_set():
            raise EngineDied("The engine is not running.")
        inbox = self._running[run.job_id] = asyncio.Queue()
        try:
            self._send(run)
            while True:
                message = await inbox.get()
                if message is None:
                    raise EngineDied(self._problem)
                yield message
                if isinstance(message, Ended):
                    return
        finally:
            self._running.pop(run.job_id, None)

    async def release(self, *, park: bool) -> int:
        """Put all models away; see `Engine.release`."""
        if not self._ready.is_set():
            return 0
        released: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._releasing.append(released)
        self._send(Release(park=park))
        return await released

    def abort(self, job_id: str) -> None:
        """Stop a job within one step, or kill the process when that does not help."""
        if job_id not in self._running:
            return
        self._send(Abort(job_id=job_id))
        process = self._process

        def kill_if_stuck() -> None:
            if job_id in self._running and process is self._process and process is not None:
                log.warning("engine does not stop, killing it", job=job_id, pid=process.pid)
                process.kill()

        asyncio.get_running_loop().call_later(ABORT_GRACE, kill_if_stuck)

    async def close(self) -> None:
        """End the process, whatever it does."""
        if self._supervisor is None:
            return
        self._closing = True
        process = self._process
        if process is not None and process.returncode is None:
            self._send(Shutdown())
            try:
                await asyncio.wait_for(process.wait(), CLOSE_GRACE)
            except TimeoutError:
                process.kill()
                await process.wait()
        self._supervisor.cancel()
        await asyncio.gather(self._supervisor, return_exceptions=True)
        self._supervisor = None
        self._state = "stopped"
        self._stopped.set()

    def _send(self, message: LinkMessage) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return  # It is dying; whoever waits hears so from the reader.
        process.stdin.write(encode_link(message, self._shared))

    async def _supervise(self) -> None:
        failures = 0
        while True:
            try:
                became_ready = await self._live_once()
            except OSError as error:  # no memory for it, no such program any more, no room for its log
                became_ready, self._problem = False, f"its process cannot be started: {error}."
            failures = 0 if became_ready else failures + 1
            if failures >= START_ATTEMPTS:
                self._state = "stopped"
                self._wanted.clear()
                self._stopped.set()
                log.error("engine cannot be started", problem=self._problem, log=str(self._log_file))
                await self._wanted.wait()
                failures = 0
            elif failures:
                await asyncio.sleep(0.2 * 2**failures)

    async def _live_once(self) -> bool:
        """Start the process and follow it to its end; returns whether it became ready."""
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with open(self._log_file, "ab") as stderr:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                # Ctrl-C in a terminal reaches the whole group; the daemon alone decides when the engine ends.
                start_new_session=os.name == "posix",
            )
        log.info("engine started", pid=self._process.pid)
        try:
            await self._read(self._process)
            code = await self._process.wait()
        except asyncio.CancelledError:
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
            raise
        became_ready = self._ready.is_set()
        self._ready.clear()
        self._state = "restarting"
        self._problem = _describe_end(code, self._log_file)
        if self._closing:
            log.info("engine ended", pid=self._process.pid)
        else:
            log.warning("engine ended", pid=self._process.pid, problem=self._problem)
        for inbox in self._running.values():
            inbox.put_nowait(None)
        self._released(0)  # a process that has ended holds nothing
        return became_ready

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        stdout = process.stdout
        if stdout is None:
            return
        try:
            while True:
                (length,) = LENGTH.unpack(await stdout.readexactly(LENGTH.size))
                message = decode_link(await stdout.readexactly(length), self._shared, self._results)
                if isinstance(message, Ready):
                    self._about = message
                    self._state = "ready"
                    self._ready.set()
                    log.info("engine ready", device=message.device, pid=message.pid)
                elif isinstance(message, Released):
                    self._released(message.freed)
                else:
                    self._deliver(message)
        except asyncio.IncompleteReadError:
            return
        except BridgeError as error:
            log.error("engine does not keep to the link protocol, killing it", error=error.message)
            process.kill()

    def _deliver(self, message: LinkMessage) -> None:
        inbox = self._running.get(getattr(message, "job_id", ""))
        if inbox is not None:
            inbox.put_nowait(message)

    def _released(self, freed: int) -> None:
        waiting, self._releasing = self._releasing, []
        for released in waiting:
            if not released.done():
                released.set_result(freed)


def _describe_end(code: int, log_file: Path) -> str:
    if code < 0:
        return f"it was killed by signal {-code}."
    last = ""
    try:
        lines = log_file.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = lines[-1] if lines else ""
    except OSError:
        pass
    return f"it ended with status {code}. {last}".strip()
