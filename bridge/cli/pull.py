"""`latent-bridge pull`: download a model ahead of its first use."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from bridge.hub.cache import HUB_ID
from bridge.hub.reports import PROGRAM, Fetched, Refused, Report, decode_report, died
from bridge.protocol.errors import BridgeError, ErrorCode

from .failures import json_failures, usage_error


@click.command()
@click.argument("hub_id", metavar="OWNER/NAME")
@click.option("--settings", is_flag=True, help="Without the weights: what a checkpoint in a single file lacks.")
@click.option("--json", "as_json", is_flag=True, help="Result or error as JSON on stdout.")
def pull(*, hub_id: str, settings: bool, as_json: bool) -> None:
    """Download a model from the hub, or what a former attempt left to do.

    It goes to the cache that all programs share (HF_HOME): safetensors only, in half precision where there is such an
    edition.
    """
    if not HUB_ID.fullmatch(hub_id):
        raise usage_error(f"{hub_id} is no id of a model.", "An id has the form owner/name.", as_json=as_json)
    with json_failures(as_json):
        folder = _download(hub_id, settings=settings, quiet=as_json or not sys.stderr.isatty())
    if as_json:
        click.echo(json.dumps({"id": hub_id, "folder": folder}))
    else:
        click.echo(
            f"The settings of {hub_id} are here; files of its family work now."
            if settings
            else f"{hub_id} is here. Use it with --model {hub_id}."
        )


def _download(hub_id: str, *, settings: bool, quiet: bool) -> str:
    """Run the downloading process to its end; returns the model's folder.

    Raises:
        BridgeError: why it cannot be had, or `cancelled` after Ctrl-C.
    """
    bar = _Bar(hub_id, quiet=quiet)
    with _process(hub_id, *(("--settings",) if settings else ())) as process, bar:
        try:
            for report in _reports(process):
                if isinstance(report, Refused):
                    raise report.error
                if not isinstance(report, Fetched):
                    return report.folder
                bar.show(report)
        except KeyboardInterrupt:
            hint = "The next pull goes on from here."
            raise BridgeError(ErrorCode.CANCELLED, "The download was cancelled.", hint=hint) from None
        raise died(hub_id, process.wait())


@contextmanager
def _process(hub_id: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    # Ctrl-C reaches this process alone, which tells it in one line.
    process = subprocess.Popen(
        [sys.executable, *PROGRAM, hub_id, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _reports(process: subprocess.Popen[bytes]) -> Iterator[Report]:
    yield from map(decode_report, process.stdout or ())


class _Bar:
    """A bar with bytes, speed and remaining time on stderr; nothing when `quiet`."""

    def __init__(self, hub_id: str, *, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
            console=Console(stderr=True), transient=True, disable=quiet,
        )  # fmt: skip
        self._task = self._progress.add_task(hub_id, total=None)

    def __enter__(self) -> None:
        self._progress.start()

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, fetched: Fetched) -> None:
        """Move the bar."""
        self._progress.update(self._task, completed=fetched.done, total=fetched.total)
