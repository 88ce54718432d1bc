"""A daemon whose every word the test chooses: the only way to lose a connection at an exact moment.

It speaks through the daemon's own end of the protocol over a real socket. Tests with the real daemon are in
`test_end_to_end.py`.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, TypeVar

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from bridge.protocol.messages import (
    Hello,
    JobFinished,
    JobResult,
    JobStatus,
    Limits,
    Message,
    Submit,
    Welcome,
)
from bridge.protocol.pixels import Picture, PixelFormat
from bridge.protocol.session import DaemonSession
from bridge.protocol.tasks import Layer

TOKEN = "t" * 43
PATIENCE = 10.0
"""Seconds after which a test gives up waiting for the other side."""

MessageT = TypeVar("MessageT", bound=Message)


class Conversation:
    """One connection, as the daemon sees it."""

    def __init__(self, websocket: ServerConnection, limits: Limits) -> None:
        self.websocket = websocket
        self.session = DaemonSession(limits)
        self.over = threading.Event()
        self.hello = self.receive(Hello)

    def receive(self, kind: type[MessageT]) -> MessageT:
        """The next message, which must be of this kind."""
        message = self.session.receive(self.websocket.recv(PATIENCE))
        assert isinstance(message, kind), message
        return message

    def silent(self, seconds: float = 0.15) -> bool:
        """Whether the client says nothing for a while."""
        try:
            self.session.receive(self.websocket.recv(seconds))
        except TimeoutError:
            return True
        return False

    def send(self, message: Message) -> None:
        self.websocket.send(self.session.send(message))

    def drop(self) -> None:
        """Lose the connection without a word."""
        self.websocket.socket.shutdown(socket.SHUT_RDWR)
        self.over.set()

    def accept_job(self) -> Submit:
        """Read a `submit` and answer that it is queued."""
        submit = self.receive(Submit)
        self.send(JobStatus(request_id=submit.request_id, job_id=submit.job_id, state="queued"))
        return submit

    def finish(self, job_id: str, *, seq: int = 1, index: int = 0, value: int = 7) -> None:
        """Give one image and end the job."""
        self.send(JobResult(job_id=job_id, seq=seq, index=index, layer=layer(value)))
        self.send(JobFinished(job_id=job_id, seq=seq + 1))


class ScriptedDaemon:
    """Listens; the test takes each connection with `accept` and then speaks for the daemon."""

    def __init__(self, port: int = 0, encryption: ssl.SSLContext | None = None) -> None:
        self.limits = Limits()
        self.inbox, self.results = "", ""  # folders that it offers, to clients that ask for them
        self.refuse_with: HTTPStatus | None = None
        self.tokens: list[str | None] = []
        self._connections: queue.Queue[Conversation] = queue.Queue()
        self._open: list[Conversation] = []
        self._server = serve(
            self._handle,
            "127.0.0.1",
            port,
            ssl=encryption,
            process_request=self._check,
            compression=None,
            max_size=None,
        )
        self.port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def accept(self) -> Conversation:
        """The next connection, welcomed already."""
        return self._connections.get(timeout=PATIENCE)

    def stop(self) -> None:
        for conversation in self._open:
            conversation.over.set()
        self._server.shutdown()
        self._thread.join(PATIENCE)

    def _check(self, websocket: ServerConnection, request: Any) -> Any:
        given = request.headers.get("Authorization")
        self.tokens.append(given)
        if self.refuse_with is not None:
            return websocket.respond(self.refuse_with, "refused")
        if given != f"Bearer {TOKEN}":
            return websocket.respond(HTTPStatus.UNAUTHORIZED, "refused")
        return None

    def _handle(self, websocket: ServerConnection) -> None:
        try:
            conversation = Conversation(websocket, self.limits)
        except ConnectionClosed:
            return
        self._open.append(conversation)
        hello = conversation.hello
        folders = {"inbox": self.inbox, "results": self.results} if hello.share_files else {}
        welcome = Welcome(request_id=hello.request_id, version=1, daemon="scripted", limits=self.limits, **folders)
        conversation.send(welcome)
        self._connections.put(conversation)
        conversation.over.wait()


def layer(value: int = 7, seed: int = 1) -> Layer:
    return Layer(picture=Picture(2, 1, PixelFormat.RGBA8, bytes([value] * 8)), seed=seed)


@pytest.fixture
def scripted() -> Iterator[ScriptedDaemon]:
    daemon = ScriptedDaemon()
    yield daemon
    daemon.stop()


@pytest.fixture
def make_layer() -> Any:
    return layer


@pytest.fixture
def token() -> str:
    return TOKEN
