# SPDX-License-Identifier: GPL-3.0-or-later
"""Which daemon Krita works with, as the settings dialog says and Krita's settings remember.

The token is in a file of its own that only its user may read: Krita's settings are what people attach to reports.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

from .form import GROUP, ReadSetting, WriteSetting
from .vendored import errors, locations, private_file

KEY = "daemon"
TOKEN_NAME = "krita-token"


@dataclass(frozen=True)
class DaemonChoice:
    """The daemon of this computer, found by itself, or one elsewhere.

    Attributes:
        remote: whether it is one elsewhere; what follows up to `certificate` counts only then, but is kept.
        address: as people write it: `host:port` or a wss:// address.
        token: what the daemon asks for.
        certificate: path of a PEM file: the daemon's own certificate, or the authority that signed it; empty for the
            system's authorities.
        starts: whether the daemon of this computer is started together with Krita.
    """

    remote: bool = False
    address: str = ""
    token: str = field(default="", repr=False)
    certificate: str = ""
    starts: bool = False

    @property
    def elsewhere(self) -> str:
        """The address of a daemon elsewhere, for people; empty for that of this computer."""
        return self.address if self.remote else ""

    @property
    def missing(self) -> str:
        """What has to be filled in before there can be a connection; empty for nothing."""
        if self.remote and not self.address:
            return "The address is missing."
        if self.remote and not self.token:
            return "The token is missing."
        return ""

    def arguments(self) -> dict[str, str]:
        """Arguments of the client's `connect`."""
        if not self.remote:
            return {}
        # A token is always named: this computer's own must not go to somebody else's daemon.
        found = {"address": secured(self.address), "token": self.token}
        if self.certificate:
            found["certificate"] = self.certificate
        return found


def secured(address: str) -> str:
    """The address of a daemon elsewhere; one without a scheme is meant to be encrypted."""
    return address if "://" in address or not address else f"wss://{address}"


def load_choice(read: ReadSetting) -> DaemonChoice:
    """What was remembered. Values that are missing or of another type take their defaults."""
    try:
        stored = json.loads(read(GROUP, KEY, "{}"))
    except ValueError:
        return DaemonChoice()
    if not isinstance(stored, dict):
        return DaemonChoice()
    known = {each.name: each.default for each in dataclasses.fields(DaemonChoice) if each.name != "token"}
    return DaemonChoice(
        **{name: stored[name] for name, default in known.items() if type(stored.get(name)) is type(default)},
        token=_read_token(),
    )


def save_choice(choice: DaemonChoice, write: WriteSetting) -> None:
    """Remember it.

    Raises:
        BridgeError: the token cannot be written.
    """
    path = token_file()
    if choice.token != _read_token():
        try:
            private_file.write_private(path, choice.token)
        except OSError as error:
            raise errors.BridgeError(
                errors.ErrorCode.INVALID_FIELD,
                f"The token cannot be kept in {path}: {error.strerror}.",
                hint="Make that folder writable.",
            ) from error
    kept = dataclasses.asdict(choice)
    del kept["token"]
    write(GROUP, KEY, json.dumps(kept))


def token_file() -> Path:
    """Where the token of a daemon elsewhere is kept."""
    return locations.config_folder() / TOKEN_NAME


def _read_token() -> str:
    try:
        return token_file().read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
