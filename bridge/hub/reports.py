"""What the downloading process says on its standard output: one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bridge.protocol.errors import BridgeError, ErrorCode

PROGRAM = ("-m", "bridge.hub")
"""How Python runs the downloading process; the id of a model follows. It ends when its standard input does."""


@dataclass(frozen=True)
class Fetched:
    """How much is here.

    Attributes:
        done: bytes here, those of an earlier attempt included.
        total: bytes of all files that are needed.
    """

    done: int
    total: int


@dataclass(frozen=True)
class Complete:
    """The model is here.

    Attributes:
        folder: where.
    """

    folder: str


@dataclass(frozen=True)
class Refused:
    """The model cannot be had.

    Attributes:
        error: why.
    """

    error: BridgeError


Report = Fetched | Complete | Refused


def encode_report(report: Report) -> str:
    """A report as one line, without its end."""
    if isinstance(report, Fetched):
        return json.dumps({"done": report.done, "total": report.total})
    if isinstance(report, Complete):
        return json.dumps({"folder": report.folder})
    error = report.error
    return json.dumps({"code": error.code.value, "message": error.message, "hint": error.hint})


def decode_report(line: str | bytes) -> Report:
    """The report in a line.

    Raises:
        ValueError: it is none.
    """
    said = json.loads(line)
    try:
        if "total" in said:
            return Fetched(int(said["done"]), int(said["total"]))
        if "folder" in said:
            return Complete(str(said["folder"]))
        return Refused(BridgeError(ErrorCode(said["code"]), str(said["message"]), hint=str(said["hint"])))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a report: {said!r}") from error


def died(hub_id: str, code: int) -> BridgeError:
    """The error for a process that ended without saying why."""
    return BridgeError(
        ErrorCode.DOWNLOAD_FAILED,
        f"The download of {hub_id} ended unexpectedly (status {code}).",
        hint="Try again: it goes on where it was.",
    )
