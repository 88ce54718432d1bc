"""The daemon's side of the pipes, for tests that talk to a real engine process."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from pathlib import Path

from bridge.protocol.engine_link import LENGTH, Ended, LinkMessage, Ready, decode_link, encode_link
from bridge.protocol.shared_pixels import SharedPixels

PATIENCE = 60.0
"""Seconds after which an engine that says nothing counts as hanging."""


class EnginePeer:
    """Starts `python -m bridge.engine`, sends it messages and collects what it says."""

    def __init__(self, folder: Path, faults: str = "", device: str = "cpu") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.shared = SharedPixels(folder)
        self.log = folder / "engine.log"
        environment = {**os.environ, "LATENT_BRIDGE_ENGINE_FAULTS": faults, "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "-m", "bridge.engine", "--shared-pixels", str(folder)]
        self.process = subprocess.Popen(
            [*command, "--device", device, "--threads", "1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("wb"),
            env=environment,
        )
        self._messages: queue.SimpleQueue[LinkMessage | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> EnginePeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def send(self, message: LinkMessage) -> None:
        self.process.stdin.write(encode_link(message, self.shared))
        self.process.stdin.flush()

    def send_bytes(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def next(self) -> LinkMessage:
        """The next message; fails the test when the engine hangs or has ended."""
        message = self._messages.get(timeout=PATIENCE)
        assert message is not None, f"the engine ended: {self.log.read_text()[-2000:]}"
        return message

    def until(self, kind: type[LinkMessage], **fields: object) -> list[LinkMessage]:
        """Messages up to the first of a kind whose fields have these values."""
        seen = [self.next()]
        while not (isinstance(seen[-1], kind) and all(getattr(seen[-1], k) == v for k, v in fields.items())):
            assert not isinstance(seen[-1], Ended), f"{seen[-1]} {self.log.read_text()[-2000:]}"
            seen.append(self.next())
        return seen

    def ready(self) -> Ready:
        message = self.until(Ready)[-1]
        assert isinstance(message, Ready)
        return message

    def exit_code(self) -> int:
        return self.process.wait(timeout=PATIENCE)

    def _read(self) -> None:
        source = self.process.stdout
        while len(prefix := source.read(LENGTH.size)) == LENGTH.size:
            self._messages.put(decode_link(source.read(LENGTH.unpack(prefix)[0]), self.shared))
        self._messages.put(None)
