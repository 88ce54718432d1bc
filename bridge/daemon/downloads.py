"""Downloads from a hub: one process for each model that is wanted, however many jobs want it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from bridge.hub.reports import PROGRAM, Complete, Fetched, Refused, decode_report, died

log = structlog.get_logger()

Tell = Callable[[Fetched], None]


class Downloads:
    """Models on their way to this machine. Nothing of it touches the engine, which goes on with other jobs.

    Args:
        cache: the hub's cache.
        log_file: what the processes complain of.
    """

    def __init__(self, cache: Path, log_file: Path) -> None:
        self._cache = cache
        self._log_file = log_file
        self._running: dict[str, _Download] = {}

    async def fetch(self, hub_id: str, tell: Tell, stop: asyncio.Event) -> bool:
        """Wait until a model is here. The process ends with the last who waits; what it brought stays.

        Args:
            tell: called with how much is here.
            stop: set when the caller is no longer interested.

        Returns:
            Whether it is here; False when it was stopped.

        Raises:
            BridgeError: `model_unusable`, `unsafe_weights` or `download_failed`.
        """
        download = self._running.get(hub_id)
        if download is None:
            download = self._running[hub_id] = _Download(hub_id, self._cache, self._log_file)
        download.listeners.append(tell)
        tell(download.latest)
        stopped = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((download.task, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not download.task.done():
                return False
            download.task.result()
            return True
        finally:
            stopped.cancel()
            download.listeners.remove(tell)
            if self._running.get(hub_id) is download and (download.task.done() or not download.listeners):
                del self._running[hub_id]
                download.task.cancel()

    async def close(self) -> None:
        """End all of them; the next attempt goes on where they were."""
        tasks = [download.task for download in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Download:
    """One process, and who waits for it."""

    def __init__(self, hub_id: str, cache: Path, log_file: Path) -> None:
        self.hub_id = hub_id
        self.latest = Fetched(0, 0)
        self.listeners: list[Tell] = []
        self.task = asyncio.create_task(self._run(cache, log_file), name=f"download {hub_id}")

    async def _run(self, cache: Path, log_file: Path) -> None:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with open(log_file, "ab") as stderr:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *PROGRAM, self.hub_id, "--cache", str(cache)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                start_new_session=os.name == "posix",
            )
        log.info("download begins", model=self.hub_id, pid=process.pid)
        try:
            await self._follow(process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            log.info("download ends", model=self.hub_id, done=self.latest.done, total=self.latest.total)

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        async for line in process.stdout:
            try:
                report = decode_report(line)
            except ValueError:
                log.warning("download says something strange", model=self.hub_id, line=line[:200])
                continue
            if isinstance(report, Refused):
                raise report.error
            if isinstance(report, Complete):
                return
            self.latest = report
            for tell in self.listeners:
                tell(report)
        raise died(self.hub_id, await process.wait())
