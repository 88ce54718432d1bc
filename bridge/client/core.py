"""What a client does on its work thread: requests that wait, jobs that go on, and the state that others read."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace

from bridge.protocol.canvases import CanvasEvent
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import (
    AdapterInfo,
    Error,
    ErrorInfo,
    JobEvent,
    Message,
    ModelInfo,
    Reply,
    Request,
    Welcome,
)

from .book import JobBook
from .canvas_book import CanvasBook
from .finding import START_HINT
from .link import Connection, ConnectionState, Handler, Link, now
from .requests import OnReply, PendingRequests

ConnectionCallback = Callable[[Connection], None]


class Core(Handler):
    """What happens on the work thread, and the little that other threads read."""

    link: Link

    def __init__(self, patience: float | None, on_connection: ConnectionCallback | None) -> None:
        self.changed = threading.Condition()
        self.connection = Connection(ConnectionState.CONNECTING)
        self.welcome: Welcome | None = None
        self.pending = PendingRequests()
        self._ids = itertools.count(1)
        self.book = JobBook(self.ask_now, self.next_id)
        self.canvases = CanvasBook()
        self._patience = patience
        self._on_connection = on_connection
        self._alone_since: float | None = now()

    def next_id(self) -> int:
        """A fresh request id; from any thread."""
        return next(self._ids)

    def ask(self, request: Request, on_reply: OnReply, *, lasting: bool) -> None:
        """Send a request, now or when there is a connection again."""
        self.pending.add(request, on_reply, lasting=lasting)
        self.link.send(request)

    def ask_now(self, request: Request, on_reply: OnReply) -> None:
        """Send a request; it is forgotten with the connection, after which whoever asked begins anew."""
        self.ask(request, on_reply, lasting=False)

    def opened(self, welcome: Welcome) -> None:
        with self.changed:
            self.welcome = welcome
        self._alone_since = None
        self.pending.lost()
        for request in self.pending.to_resend():
            self.link.send(request)
        self.book.opened()
        self.canvases.opened()

    def received(self, message: Message) -> None:
        if isinstance(message, Reply):
            self.pending.answer(message)
        elif isinstance(message, JobEvent):
            self.book.received(message)
        elif isinstance(message, CanvasEvent):
            self.canvases.received(message)

    def _tell(self, connection: Connection) -> None:
        with self.changed:
            if connection.state is ConnectionState.CONNECTING and self.connection.error is not None:
                connection = replace(connection, error=self.connection.error)  # the reason stays readable meanwhile
            self.connection = connection
            self.changed.notify_all()
        if self._on_connection is not None:
            self._on_connection(connection)

    def changed_connection(self, connection: Connection) -> None:
        if connection.state is ConnectionState.DISCONNECTED:
            self.book.lost()
            self.canvases.lost()
            self.pending.lost()
            if self._alone_since is None:
                self._alone_since = now()
            if self._patience is not None and now() - self._alone_since > self._patience:
                self.give_up(ErrorInfo.of(connection.error or not_connected()))
        elif connection.state is ConnectionState.CLOSED:
            self.give_up(closed_here())
        self._tell(connection)

    def give_up(self, error: ErrorInfo) -> None:
        """Fail everything that waits."""
        self.book.give_up(error)
        for request in self.pending.to_resend():
            self.pending.answer(Error(request_id=request.request_id, error=error))

    def set_models(self, models: tuple[ModelInfo, ...], adapters: tuple[AdapterInfo, ...]) -> None:
        """The daemon looked for models again."""
        with self.changed:
            if self.welcome is not None:
                self.welcome = replace(self.welcome, models=models, adapters=adapters)

    def reason(self) -> BridgeError:
        """Why there is no connection."""
        if self.connection.state is ConnectionState.CLOSED:
            return closed_here().raised()
        return self.connection.error or not_connected()

    def late(self) -> BridgeError:
        """Why an answer did not come in time."""
        if self.connection.state is not ConnectionState.CONNECTED:
            return self.reason()
        return BridgeError(
            ErrorCode.TIMEOUT,
            "The daemon did not answer in time.",
            hint="Is the machine out of memory? Look at its log.",
        )


def closed_here() -> ErrorInfo:
    """The connection was closed on purpose."""
    return ErrorInfo(ErrorCode.NOT_CONNECTED, "The connection was closed here.")


def not_connected() -> BridgeError:
    """There has been no connection so far."""
    return BridgeError(ErrorCode.NOT_CONNECTED, "There is no connection to the daemon yet.", hint=START_HINT)
