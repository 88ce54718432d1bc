"""The connection that heals itself: opens, greets, listens, and opens again with growing pauses.

Two background threads, both daemonic. *Listen* opens the websocket and reads it. *Work* does everything else, one
thing after another: it sends, keeps the state of requests and jobs, and runs the caller's callbacks. So no call of
the caller waits for the network, state needs no locks, and callbacks never run at the same time.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection

from bridge.protocol import PROTOCOL_VERSION, planes
from bridge.protocol.canvases import PatchCanvas
from bridge.protocol.errors import BridgeError, ErrorCode, InvalidMessage, ProtocolError
from bridge.protocol.link_speed import ACKNOWLEDGED_BYTES, LinkSpeed
from bridge.protocol.messages import (
    Error,
    ErrorInfo,
    Goodbye,
    Hello,
    Message,
    Received,
    Reply,
    Request,
    Submit,
    Welcome,
)
from bridge.protocol.packing import LOCAL_GUESS, REMOTE_GUESS, Packing
from bridge.protocol.pixel_files import BLOBS_ONLY
from bridge.protocol.session import ClientSession
from bridge.protocol.wire import ENCODINGS

from .finding import START_HINT, Endpoint, is_loopback
from .shared_files import FilesUnreachableError, SharedFiles
from .transport import open_endpoint, send_message

log = logging.getLogger("latent_bridge.client")

ANSWERED_AT_ONCE = (Submit, PatchCanvas)
"""Requests with pictures; when their answer comes they have arrived."""
UNREAD_MESSAGES = 64
"""Messages read but not yet worked on; beyond that the socket is left alone, so that the daemon notices."""


class ConnectionState(str, Enum):
    """Where the connection stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    CLOSED = "closed"


@dataclass(frozen=True)
class Connection:
    """A state of the connection, for people and widgets.

    Attributes:
        state: where it stands; `disconnected` means that another attempt follows.
        error: why it is not connected, when that is known.
        retry_in: seconds until the next attempt.
    """

    state: ConnectionState
    error: BridgeError | None = None
    retry_in: float = 0.0


@dataclass(frozen=True)
class LinkSettings:
    """Times of a connection, in seconds.

    Attributes:
        open_timeout: for TCP, the HTTP handshake, and the greeting, each.
        ping_interval: between keepalive pings.
        ping_timeout: without an answer to a ping, the connection counts as lost.
        first_retry: pause before the second attempt; doubled each time.
        last_retry: the pause grows no further.
        share_files: let pixels go through files where the daemon runs on this machine.
        pack: let pixels be packed where that is quicker.
    """

    open_timeout: float = 10.0
    ping_interval: float = 10.0
    ping_timeout: float = 20.0
    first_retry: float = 0.1
    last_retry: float = 5.0
    share_files: bool = True
    pack: bool = True


class Handler:
    """What a link tells its owner. Everything is called on the *work* thread."""

    def opened(self, welcome: Welcome) -> None:
        """The daemon welcomed us; nothing of the previous connection is valid any more."""

    def received(self, message: Message) -> None:
        """The daemon said something."""

    def changed_connection(self, connection: Connection) -> None:
        """The connection changed its state."""


class Link:
    """A connection to the daemon that is opened again whenever it is lost."""

    def __init__(
        self, find: Callable[[], Endpoint], handler: Handler, *, session: str, client: str, settings: LinkSettings
    ) -> None:
        self._find = find
        self._handler = handler
        self._session = session
        self._client = client
        self.settings = settings
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._unread = threading.BoundedSemaphore(UNREAD_MESSAGES)
        self._posting = threading.Lock()
        self._closing = threading.Event()
        self._retry_now = threading.Event()
        self._socket: ClientConnection | None = None
        self._current: tuple[ClientConnection, ClientSession] | None = None  # of the work thread
        self._share_files = settings.share_files  # of the listen thread
        self._worker = threading.Thread(target=self._run_work, name="latent-bridge work", daemon=True)
        self._listener = threading.Thread(target=self._run_listen, name="latent-bridge listen", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._worker.start()
        self._listener.start()

    def post(self, action: Callable[[], None]) -> bool:
        """Run `action` on the work thread, after everything posted before; False once closed. From any thread."""
        with self._posting:
            if self._closing.is_set():
                return False
            self._work.put(action)
            return True

    def on_work_thread(self) -> bool:
        """Whether the caller runs on the work thread, which must not wait for itself."""
        return threading.current_thread() is self._worker

    def retry(self) -> None:
        """Do not wait for the next attempt to connect. From any thread."""
        self._retry_now.set()

    def close(self, timeout: float = 2.0) -> None:
        """Close the connection for good and wait for the threads, `timeout` seconds at most. From any thread."""
        with self._posting:
            if not self._closing.is_set():
                self._closing.set()
                self._work.put(self._close_socket)
                self._work.put(None)
        self._retry_now.set()
        for thread in (self._worker, self._listener):
            if thread is not threading.current_thread() and thread.is_alive():
                thread.join(timeout)

    def send(self, message: Request) -> None:
        """Send a request; work thread only. Without a connection it is forgotten: see `Handler.opened`.

        A request that cannot be sent is answered as the daemon would: by an `error` with its id.
        """
        if self._current is None:
            return
        websocket, session = self._current
        try:
            data = session.send(message)
            if session.packing is not None and isinstance(message, ANSWERED_AT_ONCE):
                session.packing.speed.sent(message.request_id, len(data), time.perf_counter())
            send_message(websocket, data)
        except BridgeError as error:
            self._handler.received(Error(request_id=message.request_id, error=ErrorInfo.of(error)))
        except (OSError, WebSocketException) as error:
            log.info("Sending `%s` failed: %s", message.type, error)  # the listener will notice and reconnect

    # The work thread.

    def _run_work(self) -> None:
        while (action := self._work.get()) is not None:
            try:
                action()
            except Exception:
                log.exception("A callback failed")

    def _opened(self, websocket: ClientConnection, session: ClientSession, welcome: Welcome) -> None:
        self._current = (websocket, session)
        self._handler.opened(welcome)
        self._handler.changed_connection(Connection(ConnectionState.CONNECTED))

    def _lost(self, error: BridgeError | None, retry_in: float) -> None:
        self._current = None
        self._handler.changed_connection(Connection(ConnectionState.DISCONNECTED, error, retry_in))

    def _close_socket(self) -> None:
        self._current = None
        socket = self._socket
        if socket is not None:
            socket.close()
        self._handler.changed_connection(Connection(ConnectionState.CLOSED))

    # The listen thread.

    def _run_listen(self) -> None:
        pauses = retry_pauses(self.settings.first_retry, self.settings.last_retry)
        while not self._closing.is_set():
            self.post(lambda: self._handler.changed_connection(Connection(ConnectionState.CONNECTING)))
            error: BridgeError | None
            try:
                websocket, session, welcome = self._open()
                pauses = retry_pauses(self.settings.first_retry, self.settings.last_retry)
                error = self._listen(websocket, session, welcome)
            except BridgeError as refusal:
                error = refusal
            except Exception as problem:  # a thread that ends without a word is a connection that never comes back
                log.exception("The connection broke in a way that was not foreseen.")
                error = _lost_connection(problem)
            if self._closing.is_set():
                return
            pause = next(pauses)
            self.post(lambda error=error, pause=pause: self._lost(error, pause))  # type: ignore[misc]
            self._retry_now.wait(pause)
            self._retry_now.clear()

    def _open(self) -> tuple[ClientConnection, ClientSession, Welcome]:
        settings = self.settings
        endpoint = self._find()
        websocket = open_endpoint(
            endpoint,
            open_timeout=settings.open_timeout,
            ping_interval=settings.ping_interval,
            ping_timeout=settings.ping_timeout,
        )
        session = ClientSession()
        hello = Hello(
            request_id=0,
            versions=(PROTOCOL_VERSION,),
            client=self._client[:128],
            session=self._session,
            share_files=self._share_files,
            encodings=ENCODINGS if settings.pack else (),
        )
        try:
            began = time.perf_counter()
            send_message(websocket, session.send(hello))
            answer = _read(websocket, session, settings.open_timeout)
            latency = time.perf_counter() - began
        except BaseException as error:
            websocket.close()
            if isinstance(error, (OSError, WebSocketException)):
                raise _lost_connection(error) from error
            raise
        if isinstance(answer, Welcome):
            files = SharedFiles.of(answer)
            if files is None and answer.inbox:
                websocket.close()
                return self._open_without_files()
            session.files = files or BLOBS_ONLY
            if settings.pack and files is None and planes.NAME in answer.encodings:
                local = is_loopback(urlsplit(endpoint.url).hostname or "")
                session.packing = Packing(LinkSpeed(LOCAL_GUESS if local else REMOTE_GUESS, latency))
            self._socket = websocket
            return websocket, session, answer
        websocket.close()
        if isinstance(answer, (Error, Goodbye)):
            raise answer.error.raised()
        raise ProtocolError(ErrorCode.UNEXPECTED_MESSAGE, f"The daemon answered the greeting with `{answer.type}`.")

    def _open_without_files(self) -> tuple[ClientConnection, ClientSession, Welcome]:
        log.info("The daemon's files cannot be reached from here: pixels go through the connection.")
        self._share_files = False
        return self._open()

    def _listen(self, websocket: ClientConnection, session: ClientSession, welcome: Welcome) -> BridgeError | None:
        """Read until the connection ends; returns why it did."""
        self.post(lambda: self._opened(websocket, session, welcome))
        try:
            while not self._closing.is_set():
                before = session.received_bytes
                try:
                    message = _read(websocket, session, None)
                except InvalidMessage as error:
                    log.warning("Passed over a message that this version does not understand: %s", error)
                    if error.request_id is None:
                        continue
                    message = Error(request_id=error.request_id, error=ErrorInfo.of(error))
                at = time.perf_counter()
                if session.packing is not None and session.received_bytes - before >= ACKNOWLEDGED_BYTES:
                    self.post(lambda total=session.received_bytes: _acknowledge(websocket, session, total))  # type: ignore[misc]
                if isinstance(message, Goodbye):
                    return message.error.raised()
                while not self._unread.acquire(timeout=0.5):
                    if self._closing.is_set():
                        return None
                self.post(lambda message=message, at=at: self._received(message, session, at))  # type: ignore[misc]
        except ProtocolError as error:
            self._share_files = self._share_files and not isinstance(error, FilesUnreachableError)
            return error
        except (OSError, WebSocketException) as error:
            return _lost_connection(error)
        finally:
            websocket.close()
        return None

    def _received(self, message: Message, session: ClientSession, at: float) -> None:
        self._unread.release()
        if session.packing is not None and isinstance(message, Reply):
            session.packing.speed.acknowledged(message.request_id, at)
        self._handler.received(message)


def _read(websocket: ClientConnection, session: ClientSession, timeout: float | None) -> Message:
    data = websocket.recv(timeout)
    if isinstance(data, str):
        raise ProtocolError(ErrorCode.BAD_FRAME, "The daemon sent text, which this protocol does not use.")
    return session.receive(data)


def _acknowledge(websocket: ClientConnection, session: ClientSession, total: int) -> None:
    """Tell the daemon how much has arrived; it measures the link by that."""
    with contextlib.suppress(OSError, WebSocketException):  # the listener will notice and reconnect
        send_message(websocket, session.send(Received(nbytes=total)))


def _lost_connection(error: Exception) -> BridgeError:
    failure = BridgeError(ErrorCode.NOT_CONNECTED, "The connection to the daemon was lost.", hint=START_HINT)
    failure.__cause__ = error
    return failure


def retry_pauses(first: float, last: float) -> Iterator[float]:
    """Pauses between attempts in seconds: doubling up to `last`, each shortened at random by up to a quarter.

    The randomness keeps several clients from knocking at the same moment after a restart of the daemon.
    """
    pause = first
    while True:
        yield pause * (1 - random.random() / 4)
        pause = min(last, pause * 2)


def new_session() -> str:
    """A fresh session secret. Who has it owns the session's jobs."""
    return secrets.token_urlsafe(24)


def now() -> float:
    """The clock for time-outs, seconds."""
    return time.monotonic()
