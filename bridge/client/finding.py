"""Which daemon to talk to, and with which token."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bridge.protocol import locations
from bridge.protocol.errors import BridgeError, ErrorCode

START_HINT = "Start it with `latent-bridge serve`."


@dataclass(frozen=True)
class Endpoint:
    """A daemon and the token that it asks for.

    Attributes:
        url: websocket address with the path, such as `ws://127.0.0.1:47860/v1`.
        token: empty when none was found; the daemon will refuse it.
        certificate: PEM file to trust besides the system's authorities, for TLS; see `encryption`.
    """

    url: str
    token: str = field(default="", repr=False)
    certificate: Path | None = None


@dataclass(frozen=True)
class Wanted:
    """What the caller said about the daemon; whatever is None is looked up.

    Attributes:
        address: full address, `host:port`, or None for the running daemon of this user.
        token: the token itself.
        token_file: a file that holds the token.
        certificate: a PEM file: the daemon's certificate, or the authority that signed it.
    """

    address: str | None = None
    token: str | None = field(default=None, repr=False)
    token_file: str | os.PathLike[str] | None = None
    certificate: str | os.PathLike[str] | None = None

    def find(self) -> Endpoint:
        """Look the daemon up, as it is now: after a restart its port and its token may be others.

        Raises:
            BridgeError: `invalid_field` for an address that makes no sense; `forbidden` for one that would carry
                the token over a network unencrypted; `unauthorised` when the named token file cannot be read.
        """
        given = self.address or os.environ.get("LATENT_BRIDGE_ADDRESS")
        discovery = None if given else locations.read_discovery()
        url = normalised(given or (discovery.url if discovery else default_address()))
        announced = discovery.token_file if discovery else ""
        certificate = (
            self.certificate
            or os.environ.get(locations.CERTIFICATE_VARIABLE)
            or (discovery.certificate if discovery else "")
        )
        return Endpoint(url, self._token(announced), Path(certificate).expanduser() if certificate else None)

    def _token(self, announced: str) -> str:
        if self.token is not None:
            return self.token
        if os.environ.get(locations.TOKEN_VARIABLE):
            return os.environ[locations.TOKEN_VARIABLE].strip()
        named = self.token_file or os.environ.get(locations.TOKEN_FILE_VARIABLE)
        path = Path(named or announced or locations.token_file())
        try:
            return path.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            if not named:
                return ""
            raise BridgeError(
                ErrorCode.UNAUTHORISED,
                f"The token file {path} cannot be read: {error}.",
                hint="Name the file that the daemon was started with.",
            ) from error


def default_address() -> str:
    """Where a daemon listens when nobody said otherwise."""
    return f"{locations.DEFAULT_HOST}:{locations.DEFAULT_PORT}"


def normalised(address: str) -> str:
    """The full websocket address for what people write: a port, `host:port`, or an http or ws address.

    Raises:
        BridgeError: `invalid_field` or `forbidden`, see `Wanted.find`.
    """
    text = address.strip()
    if text.isdigit():
        text = f"{locations.DEFAULT_HOST}:{text}"
    if "://" not in text:
        text = f"ws://{text}"
    not_an_address = BridgeError(
        ErrorCode.INVALID_FIELD,
        f"{address!r} is not the address of a daemon.",
        hint="Write it as host:port or ws://host:port/v1.",
        field="address",
    )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise not_an_address from error
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not host or parts.username is not None:
        raise not_an_address
    if scheme == "ws" and not is_loopback(host):
        raise BridgeError(
            ErrorCode.FORBIDDEN,
            f"The token would travel to {host} unencrypted.",
            hint="Use a wss:// address, or a tunnel that ends on this machine.",
            field="address",
        )
    netloc = f"[{host}]" if ":" in host else host
    if port is None:
        port = locations.DEFAULT_PORT
    path = parts.path if parts.path not in ("", "/") else locations.WEBSOCKET_PATH
    return f"{scheme}://{netloc}:{port}{path}"


def is_loopback(host: str) -> bool:
    """Whether a host name cannot leave this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
