"""Errors on the command line: one line with the hint on stderr, and an exit code that means something."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from enum import IntEnum

import click

from bridge.protocol.errors import BridgeError, ErrorCode


class Exit(IntEnum):
    """What the exit codes mean."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_DAEMON = 3
    REFUSED = 4
    CANCELLED = 130


class Failure(Exception):  # noqa: N818 - a failed command
    """A command that ends with an error.

    Attributes:
        error: what to tell.
        code: the exit code.
        as_json: tell it as JSON on stdout as well.
    """

    def __init__(self, error: BridgeError, code: Exit, *, as_json: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.code = code
        self.as_json = as_json


_NO_DAEMON = {ErrorCode.NOT_CONNECTED, ErrorCode.TIMEOUT}
_FAILED = {
    ErrorCode.MODEL_UNUSABLE, ErrorCode.UNSAFE_WEIGHTS, ErrorCode.DOWNLOAD_FAILED, ErrorCode.OUT_OF_MEMORY,
    ErrorCode.ENGINE_CRASHED, ErrorCode.ENGINE_UNAVAILABLE, ErrorCode.INTERRUPTED, ErrorCode.INTERNAL,
    ErrorCode.FILTERED,
}  # fmt: skip


def exit_code(error: BridgeError) -> Exit:
    """The exit code for an error that came from the client or the daemon."""
    if error.code in _NO_DAEMON:
        return Exit.NO_DAEMON
    if error.code is ErrorCode.CANCELLED:
        return Exit.CANCELLED
    return Exit.FAILED if error.code in _FAILED else Exit.REFUSED


def error_as_json(error: BridgeError) -> str:
    """An error for programs."""
    fields = {"code": error.code.value, "message": error.message, "hint": error.hint, "field": error.field}
    return json.dumps({"error": fields})


def usage_error(message: str, hint: str = "", field: str = "", *, as_json: bool = False) -> Failure:
    """The command line cannot be meant so."""
    return Failure(BridgeError(ErrorCode.INVALID_FIELD, message, hint=hint, field=field), Exit.USAGE, as_json=as_json)


@contextlib.contextmanager
def json_failures(as_json: bool) -> Iterator[None]:
    """Let errors inside be told as JSON too, when the user wants JSON."""
    try:
        yield
    except Failure as failure:
        failure.as_json = as_json
        raise
    except BridgeError as error:
        raise Failure(error, exit_code(error), as_json=as_json) from error


def run_guarded(command: click.Command, arguments: Sequence[str] | None) -> int:
    """Run a click command and return its exit code, with every expected error told in one line."""
    try:
        result = command.main(args=None if arguments is None else list(arguments), standalone_mode=False)
        return result if isinstance(result, int) else Exit.DONE
    except Failure as failure:
        _tell(failure.error, as_json=failure.as_json)
        return failure.code
    except BridgeError as error:
        _tell(error)
        return exit_code(error)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Cancelled.", err=True)
        return Exit.CANCELLED


def _tell(error: BridgeError, *, as_json: bool = False) -> None:
    if as_json:
        click.echo(error_as_json(error))
    one_line = " ".join(str(error).split())
    click.echo(f"{click.style('error', fg='red')}: {one_line}", err=True)
