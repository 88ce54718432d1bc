"""Where a user's files lie: the token, the discovery file of the running daemon, the history.

Standard library only, although platformdirs does the same: plugins bundle this package for hosts that install
nothing, and daemon and clients must agree to the letter.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

APP_NAME = "latent-bridge"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 47860
"""Below the ephemeral ports of Windows and macOS, and no usual server's default."""
WEBSOCKET_PATH = "/v1"
HEALTH_PATH = "/health"

DISCOVERY_NAME = "daemon.json"
TOKEN_NAME = "token"

HOME_VARIABLE = "LATENT_BRIDGE_HOME"
PORT_VARIABLE = "LATENT_BRIDGE_PORT"
TOKEN_VARIABLE = "LATENT_BRIDGE_TOKEN"
TOKEN_FILE_VARIABLE = "LATENT_BRIDGE_TOKEN_FILE"
CERTIFICATE_VARIABLE = "LATENT_BRIDGE_CERTIFICATE"


def runtime_folder() -> Path:
    """Where the running daemon leaves its discovery file and its log. Not created here."""
    own = _own_home("runtime")
    if own is not None:
        return own
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given and Path(given).is_dir():
        return Path(given) / APP_NAME
    return config_folder()


def config_folder() -> Path:
    """Where the token lies. Not created here."""
    return _own_home("config") or _user_folder("XDG_CONFIG_HOME", ".config")


def data_folder() -> Path:
    """Where the history lies. Not created here."""
    return _own_home("data") or _user_folder("XDG_DATA_HOME", ".local/share")


def discovery_file() -> Path:
    """The file in which the running daemon says where it listens."""
    return runtime_folder() / DISCOVERY_NAME


def token_file() -> Path:
    """The file with the token, unless the user names another one."""
    named = os.environ.get(TOKEN_FILE_VARIABLE)
    return Path(named) if named else config_folder() / TOKEN_NAME


@dataclass(frozen=True)
class Discovery:
    """What a running daemon says of itself in its discovery file.

    Attributes:
        url: websocket address, such as `ws://127.0.0.1:47860/v1`.
        pid: process id of the daemon.
        token_file: path of the file with its token; empty when it did not say.
        certificate: path of its TLS certificate; empty when it speaks without TLS.
    """

    url: str
    pid: int
    token_file: str = ""
    certificate: str = ""

    def write(self, path: Path) -> None:
        """Put the file in place in one step, so that no reader sees half of it."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        partial = path.with_name(f"{path.name}.{os.getpid()}")
        partial.write_text(json.dumps(asdict(self)), encoding="utf-8")
        os.replace(partial, path)


def read_discovery(path: Path | None = None) -> Discovery | None:
    """Read the discovery file; None when there is none or it makes no sense."""
    try:
        found = json.loads((path or discovery_file()).read_text(encoding="utf-8"))
        return Discovery(
            str(found["url"]), int(found["pid"]), str(found.get("token_file", "")), str(found.get("certificate", ""))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _own_home(name: str) -> Path | None:
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) / name if home else None


def _user_folder(variable: str, fallback: str) -> Path:
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / APP_NAME
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / APP_NAME
    given = os.environ.get(variable)
    # The XDG specification says that relative paths are to be ignored.
    return (Path(given) if given and os.path.isabs(given) else Path.home() / fallback) / APP_NAME
