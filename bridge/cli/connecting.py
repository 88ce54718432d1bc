"""How commands reach the daemon: shared options, and the connection made from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bridge.protocol.errors import BridgeError, ErrorCode

if TYPE_CHECKING:
    from bridge.client import Bridge

F = TypeVar("F", bound=Callable[..., Any])

PATIENCE = 30.0
"""Seconds without a connection after which a command gives up on its job."""

CONNECTION_OPTIONS = (
    click.option("--address", help="host:port of the daemon; found by itself when left out."),
    click.option(
        "--token-file", type=click.Path(dir_okay=False, path_type=Path), help="File with the daemon's access token."
    ),
    click.option("--start", is_flag=True, help="Start a daemon in the background when none runs."),
)


def connection_options(command: F) -> F:
    """Add --address, --token-file and --start."""
    for option in reversed(CONNECTION_OPTIONS):
        command = option(command)
    return command


def open_bridge(address: str | None, token_file: Path | None, start: bool) -> Bridge:
    """Connect, starting a daemon first when that is wanted and none answers.

    Raises:
        BridgeError: `not_connected`, `unauthorised`, `forbidden`.
    """
    from bridge.client import connect

    def attempt() -> Bridge:
        return connect(address, token_file=token_file, client_name="latent-bridge command line", patience=PATIENCE)

    try:
        return attempt()
    except BridgeError as error:
        if address is not None or error.code is not ErrorCode.NOT_CONNECTED:
            raise
        if not start:
            hint = f"{error.hint} Or add --start to this command.".lstrip()
            raise BridgeError(error.code, error.message, hint=hint, field=error.field) from error
    import sys

    from bridge.client.starter import daemon_command, start_daemon

    extra = () if token_file is None else ("--token-file", str(token_file.absolute()))
    start_daemon(daemon_command(extra, python=sys.executable))
    return attempt()
