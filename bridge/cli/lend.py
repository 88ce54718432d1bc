"""`latent-bridge lend`: free the GPU for another program."""

from __future__ import annotations

import json

import click

from .connecting import Whereabouts, connection_options, open_bridge
from .failures import json_failures


@click.command()
@click.option("--minutes", type=click.FloatRange(0, 1440), default=10.0, show_default=True, help="For how long.")
@click.option("--back", is_flag=True, help="Ask it back now.")
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
@connection_options
def lend(*, minutes: float, back: bool, as_json: bool, daemon: Whereabouts) -> None:
    """Free the GPU for another program. Jobs wait until the time is over; the one that runs is finished first."""
    with json_failures(as_json), open_bridge(daemon) as bridge:
        lent = bridge.lend(0.0 if back else minutes * 60)
    if as_json:
        click.echo(json.dumps({"freed_bytes": lent.freed, "seconds": lent.seconds}))
    elif lent.seconds:
        click.echo(
            f"The device is free for {lent.seconds / 60:g} minutes; models gave back {lent.freed / 2**20:.0f} MiB."
        )
    else:
        click.echo("The device is the daemon's again.")
