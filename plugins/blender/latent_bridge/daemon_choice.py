# SPDX-License-Identifier: GPL-3.0-or-later
"""Which daemon Blender works with, as the preferences say. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .vendored import errors, load_finding

CERTIFICATE_HINT = "Copy the daemon's certificate to this computer, and choose it as Certificate."
TOKEN_HINT = "It is the text in the daemon's token file; “latent-bridge doctor” says there where that is."


@dataclass(frozen=True)
class DaemonChoice:
    """The daemon of this computer, found by itself, or the one at an address.

    Attributes:
        address: as people write it: `host:port`, or a ws:// or wss:// address; empty for the daemon found by itself.
        token: what the daemon asks for; empty for that of this computer's daemon. It and the certificate count with an
            address only.
        certificate: path of a PEM file: the daemon's own certificate, or the authority that signed it; empty for the
            system's authorities.
    """

    address: str = ""
    token: str = field(default="", repr=False)
    certificate: str = ""

    @property
    def elsewhere(self) -> bool:
        """Whether the daemon is on another computer."""
        return bool(self.address) and not load_finding().is_loopback(_host(self.address))

    @property
    def secured(self) -> str:
        """The address; one of another computer that is written without a scheme is meant to be encrypted."""
        plain = "://" not in self.address
        return f"wss://{self.address}" if plain and self.elsewhere else self.address

    def arguments(self) -> dict[str, str]:
        """Arguments of the client's `connect`; those that are missing are looked up on this computer."""
        if not self.address:
            return {}
        wanted = {"address": self.secured, "token": self.token, "certificate": self.certificate}
        return {name: value for name, value in wanted.items() if value}

    def check(self, online: bool) -> None:
        """Refuse what must not be tried.

        Args:
            online: whether Blender's preferences allow the network: `bpy.app.online_access`.

        Raises:
            BridgeError: `forbidden` where Blender is to stay offline; `unauthorised` without a token for a daemon
                elsewhere, since this computer's own must not go there.
        """
        if not self.elsewhere:
            return
        if not online:
            raise errors.BridgeError(
                errors.ErrorCode.FORBIDDEN,
                "Blender is set to stay offline, and the daemon is on another machine.",
                hint="Allow online access in Preferences ▸ System, or use the daemon of this machine.",
            )
        if not self.token:
            raise errors.BridgeError(errors.ErrorCode.UNAUTHORISED, "The token is missing.", hint=TOKEN_HINT)

    def in_our_words(self, error: errors.BridgeError) -> str:
        """The hint of an error, by the names of the preferences' fields."""
        untrusted = error.code is errors.ErrorCode.UNTRUSTED and not self.certificate
        return CERTIFICATE_HINT if untrusted else error.hint


def _host(address: str) -> str:
    """The host in an address, as the client understands it; a bare port is one of this computer."""
    text = address.strip()
    if text.isdigit():
        return "localhost"
    try:
        return urlsplit(text if "://" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""  # what it is then, the client says
