"""How commands reach the daemon: shared options, and the connection made from them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.protocol.errors import BridgeError, ErrorCode

if TYPE_CHECKING:
    from bridge.client import Bridge

PATIENCE = 30.0
"""Seconds without a connection after which a command gives up on its job."""

WHEREABOUTS = (
    click.option("--address", help="host:port of the daemon; found by itself when left out."),
    click.option(
        "--token-file", type=click.Path(dir_okay=False, path_type=Path), help="File with the daemon's access token."
    ),
    click.option(
        "--certificate",
        type=click.Path(dir_okay=False, path_type=Path),
        help="PEM file to trust for a wss:// address: the daemon's certificate, or the authority that signed it.",
    ),
)
START = click.option("--start", is_flag=True, help="Start a daemon in the background when none runs.")


@dataclass(frozen=True)
class Whereabouts:
    """Which daemon a command talks to; whatever is None is found.

    Attributes:
        address: `host:port` or a full address.
        token_file: the file with its token.
        certificate: PEM file to trust besides the system's authorities.
        start: start one when none runs.
    """

    address: str | None = None
    token_file: Path | None = None
    certificate: Path | None = None
    start: bool = False


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --address, --token-file, --certificate and --start; the command gets them as `daemon`."""
    return START(whereabouts_options(command))


def whereabouts_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same without --start."""

    @functools.wraps(command)
    def gathered(
        *arguments: Any,
        address: str | None,
        token_file: Path | None,
        certificate: Path | None,
        start: bool = False,
        **rest: Any,
    ) -> Any:
        return command(*arguments, daemon=Whereabouts(address, token_file, certificate, start), **rest)

    for option in reversed(WHEREABOUTS):
        gathered = option(gathered)
    return gathered


def open_bridge(daemon: Whereabouts) -> Bridge:
    """Connect, starting a daemon first when that is wanted and none answers.

    Raises:
        BridgeError: `not_connected`, `unauthorised`, `forbidden`, `untrusted`.
    """
    from bridge.client import connect

    def attempt() -> Bridge:
        return connect(
            daemon.address,
            token_file=daemon.token_file,
            certificate=daemon.certificate,
            client_name="latent-bridge command line",
            patience=PATIENCE,
        )

    try:
        return attempt()
    except BridgeError as error:
        if daemon.address is not None or error.code is not ErrorCode.NOT_CONNECTED:
            raise
        if not daemon.start:
            hint = f"{error.hint} Or add --start to this command.".lstrip()
            raise BridgeError(error.code, error.message, hint=hint, field=error.field) from error
    import sys

    from bridge.client.starter import daemon_command, start_daemon

    extra = () if daemon.token_file is None else ("--token-file", str(daemon.token_file.absolute()))
    start_daemon(daemon_command(extra, python=sys.executable))
    return attempt()
