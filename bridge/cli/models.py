"""`latent-bridge models`: what the daemon can draw with."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from .connecting import connection_options, open_bridge
from .failures import json_failures


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
@connection_options
def models(*, as_json: bool, address: str | None, token_file: Path | None, start: bool) -> None:
    """List the daemon's models, the default first."""
    with json_failures(as_json), open_bridge(address, token_file, start) as bridge:
        found = bridge.list_models()
    if as_json:
        click.echo(json.dumps({"models": [asdict(model) for model in found]}))
        return
    if not found:
        click.echo("No models. `latent-bridge serve --model FOLDER` adds one.", err=True)
    for position, model in enumerate(found):
        click.echo(f"{model.id}{' (default)' if position == 0 else ''}")
        if model.unusable:
            click.echo(f"    cannot be used: {model.unusable}")
        else:
            title = f"{model.title}: " if model.title and model.title != model.id else ""
            click.echo(f"    {title}{model.description or 'no description'}")
            click.echo(
                f"    {model.native_size} px, {model.steps} steps, guidance {model.guidance_scale:g}; "
                f"{', '.join(model.tasks)}"
            )
