"""One websocket to the daemon: opening it, with errors in the user's words, and sending large messages."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from collections.abc import Iterator

from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket

from bridge.protocol.errors import BridgeError, ErrorCode

from .finding import START_HINT, Endpoint

FRAGMENT_BYTES = 1 << 20
"""Larger messages go out in fragments: between two of them pings pass and other threads get the interpreter."""


class Websocket(ClientConnection):
    """A connection that reads in larger pieces than the library's 64 KiB: pictures are megabytes."""

    recv_bufsize = 1 << 20


def open_endpoint(
    endpoint: Endpoint, *, open_timeout: float, ping_interval: float, ping_timeout: float
) -> ClientConnection:
    """Open a websocket and present the token. Times in seconds.

    Raises:
        BridgeError: `unauthorised`, `forbidden`, or `not_connected` with the reason.
    """
    try:
        websocket = open_websocket(
            endpoint.url,
            additional_headers={"Authorization": f"Bearer {endpoint.token}"} if endpoint.token else None,
            compression=None,
            proxy=None,
            max_size=None,
            open_timeout=open_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=1,
            create_connection=Websocket,
        )
    except InvalidStatus as error:
        raise _refused(endpoint, error.response.status_code) from error
    except (InvalidHandshake, WebSocketException) as error:
        raise BridgeError(
            ErrorCode.NOT_CONNECTED,
            f"Whoever listens at {endpoint.url} is not a daemon of the bridge.",
            hint="Is the address right? `latent-bridge doctor` looks.",
        ) from error
    except (OSError, EOFError) as error:  # TimeoutError is an OSError
        raise BridgeError(ErrorCode.NOT_CONNECTED, f"No daemon answers at {endpoint.url}.", hint=START_HINT) from error
    _limit_stalls(websocket.socket, seconds=ping_interval + ping_timeout)
    return websocket


def send_message(websocket: ClientConnection, data: bytes) -> None:
    """Send one binary message, fragmented when it is large. Raises what the websocket raises."""
    websocket.send(data if len(data) <= FRAGMENT_BYTES else _fragments(data))


def _fragments(data: bytes) -> Iterator[memoryview]:
    view = memoryview(data)
    for start in range(0, len(data), FRAGMENT_BYTES):
        yield view[start : start + FRAGMENT_BYTES]


def _limit_stalls(sock: socket.socket, seconds: float) -> None:
    # A peer that stopped reading blocks `sendall` for ever, and with it the pings that would notice.
    milliseconds = max(1, int(seconds * 1000))
    if sys.platform == "win32":
        value = struct.pack("L", milliseconds)
    else:
        value = struct.pack("ll", milliseconds // 1000, milliseconds % 1000 * 1000)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)


def _refused(endpoint: Endpoint, status: int) -> BridgeError:
    if status == 401:
        return BridgeError(
            ErrorCode.UNAUTHORISED,
            f"The daemon at {endpoint.url} refused the token." if endpoint.token else "The daemon asks for a token.",
            hint="Name the right file with --token-file or LATENT_BRIDGE_TOKEN_FILE.",
        )
    if status == 403:
        return BridgeError(
            ErrorCode.FORBIDDEN,
            f"The daemon at {endpoint.url} does not serve this address or origin.",
            hint="Use the address that the daemon printed when it started.",
        )
    return BridgeError(
        ErrorCode.NOT_CONNECTED,
        f"{endpoint.url} answered with HTTP status {status}.",
        hint="Does another program listen on that port? `latent-bridge doctor` looks.",
    )
