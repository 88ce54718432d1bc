# SPDX-License-Identifier: GPL-3.0-or-later
"""The token of a daemon elsewhere, in a file for its user alone: people attach preferences to reports. Pure."""

from __future__ import annotations

from pathlib import Path

from .vendored import errors, locations, private_file


def path() -> Path:
    """Where it is kept."""
    return locations.config_folder() / "blender-token"


def read() -> str:
    """The token; empty when there is none."""
    try:
        return path().read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def write(token: str) -> None:
    """Keep it.

    Raises:
        BridgeError: it cannot be written; what was there stays.
    """
    try:
        private_file.write_private(path(), token)
    except OSError as error:
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD,
            f"The token cannot be kept in {path()}: {error.strerror}.",
            hint="Make that folder writable.",
        ) from error
