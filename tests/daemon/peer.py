"""A bare client for tests that look at single messages; everything else uses `bridge.client`."""

from __future__ import annotations

import itertools
import secrets
import time
from collections import defaultdict
from types import TracebackType
from typing import TypeVar

from websockets.sync.client import ClientConnection, connect

from bridge.client.tracker import TRANSIENT
from bridge.protocol import PROTOCOL_VERSION
from bridge.protocol.messages import (
    FINAL_EVENTS,
    Attach,
    Hello,
    JobEvent,
    JobProgress,
    JobStatus,
    Message,
    Reply,
    Request,
    Submit,
    Welcome,
)
from bridge.protocol.session import ClientSession
from bridge.protocol.tasks import Task, TextToImage

ReplyT = TypeVar("ReplyT", bound=Reply)


class Peer:
    """A connection on which a test says exactly what it wants to say."""

    def __init__(self, url: str, token: str, session: str | None = None) -> None:
        self.secret = session or secrets.token_urlsafe(24)
        self.socket: ClientConnection = connect(
            url, additional_headers={"Authorization": f"Bearer {token}"}, compression=None, max_size=None, proxy=None
        )
        self._session = ClientSession()
        self._numbers = itertools.count(1)
        self._aside: list[Message] = []
        self._told: defaultdict[str, set[int]] = defaultdict(set)
        hello = Hello(request_id=0, versions=(PROTOCOL_VERSION,), client="test", session=self.secret)
        self.socket.send(self._session.send(hello))
        welcome = self.receive()
        if not isinstance(welcome, Welcome):
            raise TypeError(welcome)
        self.welcome = welcome

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, message: Message) -> None:
        """Say something."""
        self.socket.send(self._session.send(message))

    def receive(self, timeout: float = 60.0) -> Message:
        """The next message, events that came while a reply was awaited first."""
        message = self._aside.pop(0) if self._aside else self._receive(timeout)
        if isinstance(message, JobEvent) and not isinstance(message, TRANSIENT):
            self._told[message.job_id].add(message.seq)
        return message

    def _receive(self, timeout: float) -> Message:
        return self._session.receive(self.socket.recv(timeout=timeout))

    def ask(self, cls: type[Request], **fields: object) -> Reply:
        """Send a request and wait for its reply; events are put aside."""
        if cls is Attach:
            self._told[str(fields["job_id"])] = set(range(1, int(str(fields.get("after", 0))) + 1))
        number = next(self._numbers)
        self.send(cls(request_id=number, **fields))
        while True:
            message = self._receive(60.0)
            if isinstance(message, Reply) and message.request_id == number:
                return message
            self._aside.append(message)

    def submit(self, job_id: str, task: Task, **fields: object) -> Reply:
        """Queue a job. What it told before is not told again, unless `attach` asks for it."""
        reply = self.ask(Submit, job_id=job_id, task=task, **fields)
        if isinstance(reply, JobStatus):
            self._told[job_id].update(range(1, reply.last_seq + 1))
        return reply

    def events(self, job_id: str, timeout: float = 120.0) -> list[JobEvent]:
        """All events of a job up to its end, by number: after `attach` the end may be told before what was missed."""
        found: list[JobEvent] = []
        told = self._told[job_id]
        deadline = time.monotonic() + timeout
        while not any(isinstance(event, FINAL_EVENTS) for event in found) or len(told) < max(told):
            message = self.receive(max(0.1, deadline - time.monotonic()))
            if isinstance(message, JobEvent) and message.job_id == job_id:
                found.append(message)
        return sorted(found, key=lambda event: event.seq)

    def wait_for(self, cls: type[JobEvent], job_id: str, **fields: object) -> JobEvent:
        """The next event of a job that is of this type and has these fields."""
        while True:
            message = self.receive()
            if (
                isinstance(message, cls)
                and message.job_id == job_id
                and all(getattr(message, name) == value for name, value in fields.items())
            ):
                return message

    def at_stage(self, job_id: str, stage: str, step: int = 0) -> None:
        """Wait until a job is in a stage, at or after a step (old progress is superseded and may never come)."""
        while True:
            event = self.wait_for(JobProgress, job_id, stage=stage)
            if isinstance(event, JobProgress) and event.step >= step:
                return


def small(prompt: str = "grey stone", **fields: object) -> TextToImage:
    """A job of a second or so."""
    return TextToImage(**{"prompt": prompt, "width": 64, "height": 64, "steps": 4, "seed": 1, **fields})


def long_one(prompt: str = "grey stone", **fields: object) -> TextToImage:
    """A job that certainly lasts until the test has done what it wants to do with it."""
    return small(prompt, **{"width": 128, "height": 128, "steps": 150, **fields})
