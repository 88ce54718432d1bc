"""TLS to a daemon on another machine: whose certificate is trusted, and what to say when it is not.

Without a file the system's authorities are trusted. A file may hold an authority of one's own, or the daemon's very
certificate; that one is known by sight, so the name in it does not matter.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from bridge.protocol.errors import BridgeError, ErrorCode

T = TypeVar("T")

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_PROBE_SECONDS = 2.0

# Codes of OpenSSL, x509_vfy.h; Python passes them on without names.
_NOT_YET_VALID, _EXPIRED = 9, 10
_OTHER_NAME, _OTHER_ADDRESS = 62, 64


def with_trust(attempt: Callable[[ssl.SSLContext], T], certificate: Path | None) -> T:
    """Open an encrypted connection.

    Args:
        attempt: opens it with a context; called again when only the name in the daemon's certificate is another.
        certificate: a PEM file with authorities or the daemon's certificate; None for the system's authorities.

    Raises:
        BridgeError: `invalid_field` for the field `certificate`.
        ssl.SSLError: there is no trust; see `refusal`. And whatever else `attempt` raises.
    """
    context = ssl.create_default_context()
    if certificate is None:
        return attempt(context)
    texts = _certificates_in(certificate)
    # The system's authorities stay: the file may be named for one daemon among several.
    try:
        context.load_verify_locations(cadata="\n".join(texts))
        known = frozenset(map(ssl.PEM_cert_to_DER_cert, texts))
    except (ssl.SSLError, ValueError) as error:
        raise _not_a_certificate(certificate, "is damaged") from error
    # What the user names is trusted as it is, also a certificate that is no authority, or an authority made without
    # the extensions that Python asks for from 3.13 on.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    try:
        return attempt(context)
    except ssl.SSLCertVerificationError as error:
        if not _names_differ(error):
            raise
    context.check_hostname = False
    context.sslsocket_class = _knowing_by_sight(known)
    return attempt(context)


def refusal(error: ssl.SSLError, url: str, certificate: Path | None) -> BridgeError:
    """Why there is no encrypted connection, in the user's words.

    Returns an error with the code `untrusted` for the field `certificate`, or `not_connected`.
    """
    host = urlsplit(url).hostname
    if not isinstance(error, ssl.SSLCertVerificationError):
        return BridgeError(
            ErrorCode.NOT_CONNECTED,
            f"Whoever listens at {url} does not speak TLS: {error.reason or error}.",
            hint="Is it a daemon that was started with --tls-cert and --tls-key? Without them it serves its own "
            "machine only: reach it through a tunnel, as ws://.",
            field="address",
        )
    if error.verify_code == _EXPIRED:
        problem, hint = "has expired", "Make a new one where the daemon runs, and start the daemon again."
    elif error.verify_code == _NOT_YET_VALID:
        problem, hint = "is not valid yet", "Are the clocks of both machines right?"
    elif _names_differ(error):
        problem = f"is made for another name than {host}"
        hint = "Use the name that it is made for; or copy the daemon's own certificate here, whose name does not matter"
        hint += ", and name it with --certificate or LATENT_BRIDGE_CERTIFICATE."
    elif certificate is None:
        problem = "is signed by nobody whom this machine knows"
        hint = "Copy the daemon's certificate here, and name it with --certificate or LATENT_BRIDGE_CERTIFICATE."
    else:
        problem = f"does not match {certificate}"
        hint = "Copy the file again that the daemon was started with as --tls-cert, or the authority that signed it."
    return BridgeError(
        ErrorCode.UNTRUSTED, f"The certificate of the daemon at {url} {problem}.", hint=hint, field="certificate"
    )


def speaks_tls(url: str) -> bool:
    """Whether TLS is spoken where a plain connection failed. Asks nobody who he is, and tells nothing."""
    parts = urlsplit(url)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with suppress(OSError):
        plain = socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=_PROBE_SECONDS)
        with plain, context.wrap_socket(plain):
            return True
    return False


def _names_differ(error: ssl.SSLCertVerificationError) -> bool:
    return error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS)


def _certificates_in(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise BridgeError(
            ErrorCode.INVALID_FIELD,
            f"The certificate {path} cannot be read: {error.strerror or error}.",
            hint="Name a PEM file on this machine.",
            field="certificate",
        ) from error
    texts = _PEM.findall(text)
    if not texts:
        raise _not_a_certificate(path, "is a private key" if "PRIVATE KEY-----" in text else "holds none in PEM form")
    return texts


def _not_a_certificate(path: Path, problem: str) -> BridgeError:
    return BridgeError(
        ErrorCode.INVALID_FIELD,
        f"{path} is not a certificate: it {problem}.",
        hint="Name the file that the daemon was started with as --tls-cert; it contains BEGIN CERTIFICATE.",
        field="certificate",
    )


def _knowing_by_sight(known: frozenset[bytes]) -> type[ssl.SSLSocket]:
    class KnownPeer(ssl.SSLSocket):
        """A connection to somebody who has the key of one of the known certificates (DER)."""

        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            if self.getpeercert(binary_form=True) not in known:
                error = ssl.SSLCertVerificationError(1, "made for another name")
                error.verify_code = _OTHER_NAME
                raise error

    return KnownPeer
