"""The engine's end of the pipes: a thread that reads, a lock that keeps writes whole."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import BinaryIO

from bridge.protocol.engine_link import (
    LENGTH,
    Abort,
    Ended,
    LinkMessage,
    Release,
    Run,
    Shutdown,
    Tick,
    decode_link,
    encode_link,
)
from bridge.protocol.errors import BridgeError
from bridge.protocol.frames import decode_frame
from bridge.protocol.messages import JOB_ID_PATTERN, ErrorInfo
from bridge.protocol.shared_pixels import SharedPixels

from .cancellation import AbortFlag

SHUTDOWN_GRACE = 1.0
"""Seconds that the owner thread gets to leave a job by itself before the process ends regardless."""


@dataclass(frozen=True)
class Job:
    """A job as it came, and the flag that stops it."""

    run: Run
    abort: AbortFlag = field(default_factory=AbortFlag)


@dataclass(frozen=True)
class Frame:
    """A frame of a live canvas as it was asked for, and the flag that stops it."""

    tick: Tick
    abort: AbortFlag = field(default_factory=AbortFlag)


Order = Job | Frame | Release


class Orders:
    """What is to be done: frames first, because somebody is painting, and the rest in its turn."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frames: deque[Frame] = deque()
        self._others: deque[Job | Release] = deque()
        self._ended = False

    def put(self, order: Order) -> None:
        """Let something wait."""
        with self._changed:
            if isinstance(order, Frame):
                self._frames.append(order)
            else:
                self._others.append(order)
            self._changed.notify()

    def end(self) -> None:
        """There is nothing more to come, and what waits is not to be done."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def next(self) -> Order | None:
        """Wait for the next; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._frames or self._others)
            if self._ended:
                return None
            return self._frames.popleft() if self._frames else self._others.popleft()

    def waiting_frame(self) -> Frame | None:
        """The first of the frames that wait."""
        with self._changed:
            return self._frames[0] if self._frames else None

    def take_frame(self) -> Frame | None:
        """The same, which now waits no more."""
        with self._changed:
            return self._frames.popleft() if self._frames else None


class Link:
    """Reads messages from the daemon in a thread of its own and writes the engine's.

    The process ends when the daemon's end of the pipe does: a daemon that died must never leave an engine behind.
    """

    def __init__(self, source: BinaryIO, sink: BinaryIO, shared: SharedPixels, results: SharedPixels) -> None:
        self._source = source
        self._sink = sink
        self._shared = shared
        self._results = results
        self._write_lock = threading.Lock()
        self._orders = Orders()
        self._known: dict[str, Job | Frame] = {}
        self._left = threading.Event()

    def start(self) -> None:
        """Begin reading, so that an abort is seen whatever the owner thread is doing."""
        threading.Thread(target=self._read, name="engine link", daemon=True).start()

    def next_order(self) -> Order | None:
        """Wait for something to do; None when the engine is to end. Frames come before anything else."""
        return self._orders.next()

    def waiting_frame(self) -> Frame | None:
        """The frame that is waiting to be made, which stays where it is."""
        return self._orders.waiting_frame()

    def take_frame(self) -> Frame | None:
        """The frame that was waiting, to be made now."""
        return self._orders.take_frame()

    def send(self, message: LinkMessage) -> None:
        """Write a message; its pictures go to shared files. A job's `Ended` also forgets its abort flag."""
        if isinstance(message, Ended):
            self._known.pop(message.job_id, None)
        data = encode_link(message, self._shared, self._results)
        try:
            with self._write_lock:
                self._sink.write(data)
                self._sink.flush()
        except OSError:
            _leave("the daemon no longer listens")

    def left(self) -> None:
        """Say that the owner thread is about to end the process in good order."""
        self._left.set()

    def _read(self) -> None:
        try:
            while (frame := self._read_frame()) is not None:
                if not self._take(frame):
                    break
        except (OSError, BridgeError) as error:
            print(f"engine link: {error}", file=sys.stderr)
        for job in list(self._known.values()):
            job.abort.set()
        self._orders.end()
        if not self._left.wait(SHUTDOWN_GRACE):
            _leave("ending in the middle of a job")

    def _read_frame(self) -> bytes | None:
        prefix = self._source.read(LENGTH.size)
        if len(prefix) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack(prefix)
        frame = self._source.read(length)
        return frame if len(frame) == length else None

    def _take(self, frame: bytes) -> bool:
        try:
            message = decode_link(frame, self._shared)
        except BridgeError as error:
            self._refuse(frame, error)
            return True
        if isinstance(message, (Run, Tick)):
            order = Job(message) if isinstance(message, Run) else Frame(message)
            self._known[message.job_id] = order
            self._orders.put(order)
        elif isinstance(message, Release):
            self._orders.put(message)
        elif isinstance(message, Abort):
            # An unknown id is a job that has just ended.
            known = self._known.get(message.job_id)
            if known is not None:
                known.abort.set()
        return not isinstance(message, Shutdown)

    def _refuse(self, frame: bytes, error: BridgeError) -> None:
        """End the job that cannot be read; without an id there is nobody to tell, and the link is not trusted."""
        body = decode_frame(frame).header.get("body")
        job_id = body.get("job_id") if isinstance(body, dict) else None
        if not isinstance(job_id, str) or re.fullmatch(JOB_ID_PATTERN, job_id) is None:
            raise error
        self.send(Ended(job_id=job_id, error=ErrorInfo.of(error)))


def _leave(reason: str) -> None:
    """End at once: the owner thread may be deep in a library and cannot be asked."""
    print(f"engine: {reason}", file=sys.stderr, flush=True)
    os._exit(0)
