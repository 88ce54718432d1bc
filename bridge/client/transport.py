"""One websocket to the daemon: opening it, with errors in the user's words, and sending large messages."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
from collections.abc import Iterator

from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_websocket

from bridge.protocol.errors import BridgeError, ErrorCode

from .encryption import refusal, speaks_tls, with_trust
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
        BridgeError: `unauthorised`, `forbidden`, `untrusted` or `invalid_field` for the certificate, or
            `not_connected` with the reason.
    """

    def attempt(encryption: ssl.SSLContext | None) -> ClientConnection:
        return open_websocket(
            endpoint.url,
            ssl=encryption,
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

    try:
        encrypted = endpoint.url.startswith("wss:")
        websocket = with_trust(attempt, endpoint.certificate) if encrypted else attempt(None)
    except InvalidStatus as error:
        raise _refused(endpoint, error.response.status_code) from error
    except ssl.SSLError as error:
        raise refusal(error, endpoint.url, endpoint.certificate) from error
    except (InvalidHandshake, WebSocketException, AssertionError) as error:
        # The library asserts that nobody answers before he is asked, which depends on who is quicker.
        raise _not_a_daemon(endpoint) from error
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


def _not_a_daemon(endpoint: Endpoint) -> BridgeError:
    if endpoint.url.startswith("ws:") and speaks_tls(endpoint.url):
        return BridgeError(
            ErrorCode.NOT_CONNECTED,
            f"Whoever listens at {endpoint.url} speaks TLS only.",
            hint="Write its address with wss:// in front.",
            field="address",
        )
    return BridgeError(
        ErrorCode.NOT_CONNECTED,
        f"Whoever listens at {endpoint.url} is not a daemon of the bridge.",
        hint="Is the address right? `latent-bridge doctor` looks.",
    )


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
