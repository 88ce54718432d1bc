"""`latent-bridge models`: what the daemon can draw with."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from bridge.protocol.messages import AdapterInfo, ModelInfo
from bridge.protocol.wording import size_text

from .connecting import Whereabouts, connection_options, open_bridge
from .failures import json_failures


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
@connection_options
def models(*, as_json: bool, daemon: Whereabouts) -> None:
    """List the daemon's models, the default first, then its LoRAs, embeddings and ControlNets."""
    with json_failures(as_json), open_bridge(daemon) as bridge:
        found, adapters = bridge.list_models(), bridge.list_adapters()
    if as_json:
        click.echo(json.dumps({"models": [asdict(each) for each in found], "adapters": [asdict(a) for a in adapters]}))
        return
    if not found:
        click.echo("No models. `latent-bridge serve --model FOLDER` adds one.", err=True)
    for position, model in enumerate(found):
        _say_model(model, default=position == 0)
    for adapter in adapters:
        _say_adapter(adapter)


def _say_model(model: ModelInfo, *, default: bool) -> None:
    click.echo(f"{model.id}{' (default)' if default else ''}")
    if model.unusable:
        click.echo(f"    cannot be used: {model.unusable}")
        return
    if not model.downloaded:
        click.echo(f"    {model.description}")
        return
    title = f"{model.title}: " if model.title and model.title != model.id else ""
    click.echo(f"    {title}{model.description or 'no description'}")
    family = f"{model.family}, " if model.family else ""
    size = f", {size_text(model.weights_bytes)}" if model.weights_bytes else ""
    click.echo(
        f"    {family}{model.native_size} px, {model.steps} steps, guidance {model.guidance_scale:g}{size}; "
        f"{', '.join(model.tasks)}"
    )


def _say_adapter(adapter: AdapterInfo) -> None:
    click.echo(f"{adapter.id}  ({adapter.type}{f' for {adapter.family}' if adapter.family else ''})")
    if adapter.unusable:
        click.echo(f"    cannot be used: {adapter.unusable}")
    elif adapter.triggers:
        click.echo(f"    answers to: {', '.join(adapter.triggers)}")
