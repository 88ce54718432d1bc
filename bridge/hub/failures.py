"""What went wrong at a hub, in the user's words."""

from __future__ import annotations

import errno

from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from bridge.protocol.errors import BridgeError, ErrorCode

TRANSFER_ERRORS: tuple[type[Exception], ...] = (HfHubHTTPError.__bases__[0], OSError, HFValidationError)
"""All that asking a hub may raise. The HTTP library differs between editions of huggingface_hub, and so its errors."""

_AGAIN = "it goes on where it was"


def explained(hub_id: str, error: Exception) -> BridgeError:
    """The error for the user. Of several causes the one that can be helped is told."""
    if isinstance(error, GatedRepoError):
        return _unusable(
            f"The hub gives {hub_id} only to people who have accepted its terms.",
            f"Accept them on the page of {hub_id} at the hub, then log in here with `hf auth login`.",
        )
    if isinstance(error, RepositoryNotFoundError):
        return _unusable(
            f"The hub has no model {hub_id}, or not for you.",
            "Check the name; for a private model log in with `hf auth login`.",
        )
    if isinstance(error, HFValidationError):
        return _unusable(f"{hub_id} is no id of a model.", "An id has the form owner/name.")
    if isinstance(error, OfflineModeIsEnabled):
        return _failed(
            f"{hub_id} is not completely on this machine, and HF_HUB_OFFLINE forbids to download it.",
            "Unset HF_HUB_OFFLINE, or give the folder of a model on this machine.",
        )
    if isinstance(error, HfHubHTTPError):
        return _answered(hub_id, error)
    if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        return explained(hub_id, error.__cause__)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return _failed(f"The disk became full while {hub_id} was downloaded.", f"Make room and try again: {_AGAIN}.")
    if isinstance(error, PermissionError):
        return _failed(f"{hub_id} cannot be stored: {error}.", "Check who may write to the hub's cache (HF_HOME).")
    if "Consistency check failed" in str(error):
        return _failed(f"A file of {hub_id} came incomplete.", f"Try again: {_AGAIN}.")
    if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
        return _failed(f"{hub_id} cannot be stored: {error}.", "Check the disk and the hub's cache (HF_HOME).")
    return _failed(
        f"The hub cannot be reached for {hub_id} ({type(error).__name__}: {_first_line(error)}).",
        f"Check the network and try again: {_AGAIN}. A folder of a model on this machine works without.",
    )


def no_room(hub_id: str, needed: int, free: int) -> BridgeError:
    """The error for a disk without room for what is still to come, both in bytes."""
    return _failed(
        f"{hub_id} needs {needed / 1e9:.1f} GB more, and the disk has {free / 1e9:.1f} GB free.",
        "Make room, or let HF_HOME name a folder on another disk.",
    )


def damaged(hub_id: str, name: str) -> BridgeError:
    """The error for a file that is not what the hub promised."""
    return _failed(
        f"{name} of {hub_id} is not what the hub promised (its checksum differs); it was thrown away.",
        "Try again; if it stays so, something on the way changes what you download.",
    )


def _answered(hub_id: str, error: HfHubHTTPError) -> BridgeError:
    status = getattr(error.response, "status_code", 0)
    if status in (401, 403):
        return _unusable(
            f"The hub does not give {hub_id} to you ({status}).",
            "Log in with `hf auth login`, with a token that may read it; check HF_TOKEN if it is set.",
        )
    if status == 404:
        return _unusable(f"The hub lacks a file of {hub_id} that it lists.", "Take another model.")
    if status == 429:
        return _failed(f"The hub has had too many requests from here ({status}).", f"Wait and try again: {_AGAIN}.")
    return _failed(f"The hub could not deliver {hub_id} ({status}).", f"Try again later: {_AGAIN}.")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else ""


def _unusable(message: str, hint: str) -> BridgeError:
    return BridgeError(ErrorCode.MODEL_UNUSABLE, message, hint=hint)


def _failed(message: str, hint: str) -> BridgeError:
    return BridgeError(ErrorCode.DOWNLOAD_FAILED, message, hint=hint)
