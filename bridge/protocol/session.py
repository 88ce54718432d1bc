"""The two ends of a conversation as state machines: bytes in, messages out, no I/O.

    client: ── hello ──▶ GREETED ── welcome ──▶ OPEN ──▶ CLOSED
    daemon: ◀── hello ── GREETED ── welcome ──▶ OPEN ──▶ CLOSED

Each end refuses what the other may not say in the present state, so that no other code has to check.
"""

from __future__ import annotations

from enum import Enum, auto

from . import PROTOCOL_VERSION
from .errors import BridgeError, ErrorCode, InvalidMessage, ProtocolError
from .messages import (
    Error,
    Goodbye,
    Hello,
    Limits,
    Message,
    Welcome,
)
from .packing import Packing
from .pixel_files import BLOBS_ONLY, PixelFiles
from .pixels import Buffer, PixelFormat
from .vocabulary import CLIENT_MESSAGES, DAEMON_MESSAGES
from .wire import decode_message, encode_message

LARGEST_PIXEL = max(each.bytes_per_pixel for each in PixelFormat)
"""Bytes. Nothing that a daemon sends can be larger than so many pixels as it allows, each of this size."""


class State(Enum):
    """Where a conversation stands."""

    NEW = auto()
    GREETED = auto()
    OPEN = auto()
    CLOSED = auto()


class DaemonSession:
    """The daemon's end of one connection."""

    def __init__(self, limits: Limits) -> None:
        self.state = State.NEW
        self.limits = limits
        self.secret = ""
        """The session that the client presented in `hello`."""
        self.files: PixelFiles = BLOBS_ONLY
        """Replaced once the client and the daemon have agreed on files."""
        self.packing: Packing | None = None
        """Set once the client has said that it reads packed pixels."""
        self.sent_bytes = 0
        """Size of everything sent."""

    def receive(self, data: Buffer) -> Message:
        """Read what the client sent.

        Raises:
            InvalidMessage: the message is refused and the connection may live on.
            ProtocolError: the connection must be closed.
        """
        if self.state is State.CLOSED:
            raise ProtocolError(ErrorCode.UNEXPECTED_MESSAGE, "The conversation is over.")
        message = decode_message(data, self.files, self.limits.message_bytes)
        if not isinstance(message, CLIENT_MESSAGES):
            raise ProtocolError(ErrorCode.UNEXPECTED_MESSAGE, f"Only a daemon sends `{message.type}`.")
        if isinstance(message, Hello) != (self.state is State.NEW):
            raise ProtocolError(
                ErrorCode.UNEXPECTED_MESSAGE,
                f"`{message.type}` is out of turn.",
                hint="A conversation begins with one `hello`.",
            )
        if isinstance(message, Hello):
            if PROTOCOL_VERSION not in message.versions:
                raise ProtocolError(
                    ErrorCode.UNSUPPORTED_VERSION,
                    f"The client speaks versions {message.versions}, this daemon {PROTOCOL_VERSION}.",
                    hint="Update the older of the two programs.",
                )
            self.state = State.GREETED
            self.secret = message.session
        nbytes = memoryview(data).nbytes
        if nbytes > self.limits.message_bytes:
            raise InvalidMessage(
                ErrorCode.MESSAGE_TOO_LARGE,
                f"The message has {nbytes} bytes; this daemon accepts {self.limits.message_bytes}.",
                hint="Send a smaller picture, or raise the limit of the daemon.",
                request_id=getattr(message, "request_id", None),
            )
        return message

    def send(self, message: Message) -> bytes:
        """Serialise what the daemon says. A `welcome` opens the conversation, a `goodbye` ends it."""
        if isinstance(message, Welcome) and self.state is State.GREETED:
            self.state = State.OPEN
        elif isinstance(message, Goodbye):
            self.state = State.CLOSED
        elif not isinstance(message, Error):
            _require(self.state is State.OPEN, message)
        data = encode_message(message, self.files, self.packing)
        self.sent_bytes += len(data)
        return data


class ClientSession:
    """The client's end of one connection."""

    def __init__(self) -> None:
        self.state = State.NEW
        self.limits = Limits()
        self.files: PixelFiles = BLOBS_ONLY
        """Replaced once the client has found the daemon's folders."""
        self.packing: Packing | None = None
        """Set once the daemon has said that it reads packed pixels."""
        self.received_bytes = 0
        """Size of everything received."""

    def send(self, message: Message) -> bytes:
        """Serialise what the client says.

        Raises:
            BridgeError: `message_too_large` before anything is sent.
            ProtocolError: the message is out of turn.
        """
        if isinstance(message, Hello):
            _require(self.state is State.NEW, message)
            self.state = State.GREETED
        else:
            _require(self.state is State.OPEN, message)
        data = encode_message(message, self.files, self.packing)
        if len(data) > self.limits.message_bytes:
            raise BridgeError(
                ErrorCode.MESSAGE_TOO_LARGE,
                f"The message has {len(data)} bytes; the daemon accepts {self.limits.message_bytes}.",
                hint="Send a smaller picture, or raise the limit of the daemon.",
            )
        return data

    def receive(self, data: Buffer) -> Message:
        """Read what the daemon sent.

        Raises:
            ProtocolError: the daemon does not keep to the protocol; the connection must be closed.
        """
        self.received_bytes += memoryview(data).nbytes
        message = decode_message(data, self.files, self.limits.pixels * LARGEST_PIXEL)
        if not isinstance(message, DAEMON_MESSAGES):
            raise ProtocolError(ErrorCode.UNEXPECTED_MESSAGE, f"Only a client sends `{message.type}`.")
        if isinstance(message, Goodbye):
            self.state = State.CLOSED
        elif isinstance(message, Welcome):
            _require(self.state is State.GREETED, message)
            self.state = State.OPEN
            self.limits = message.limits
        elif not isinstance(message, Error):
            _require(self.state is State.OPEN, message)
        return message


def _require(condition: bool, message: Message) -> None:
    if not condition:
        raise ProtocolError(ErrorCode.UNEXPECTED_MESSAGE, f"`{message.type}` is out of turn.")
