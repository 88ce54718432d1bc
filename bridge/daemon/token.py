"""The access token: 32 random bytes in a file that only its user can read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from bridge.protocol.errors import BridgeError, ErrorCode

TOKEN_BYTES = 32


def ensure_token(path: Path) -> str:
    """Read the token, making it first if there is none.

    Raises:
        BridgeError: `forbidden` when others may read the file, `invalid_field` when it cannot be used.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _create(path)
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BridgeError(
                ErrorCode.FORBIDDEN,
                f"The token file {path} can be read by other users.",
                hint=f"Run `chmod 600 {path}`, or delete it to get a new token.",
            )
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BridgeError(ErrorCode.INVALID_FIELD, f"The token file {path} cannot be used: {error}.") from error
    if len(token) < 32:
        raise BridgeError(
            ErrorCode.INVALID_FIELD, f"The token in {path} is too short.", hint="Delete the file to get a new token."
        )
    return token


def _create(path: Path) -> None:
    # Written aside and linked into place: two daemons that start together agree on one token.
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(TOKEN_BYTES) + "\n")
    if path.exists():
        temporary.unlink()
    else:
        os.replace(temporary, path)
