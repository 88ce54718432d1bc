"""`latent-bridge show`: the recipe kept in a picture."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .failures import json_failures
from .generation_options import PICTURE


@click.command()
@click.argument("file", type=PICTURE)
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def show(*, file: Path, as_json: bool) -> None:
    """Print how FILE was made. `latent-bridge generate --from FILE` makes it again."""
    from .picture_files import read_recipe

    with json_failures(as_json):
        recipe = read_recipe(file)
    if as_json:
        click.echo(recipe.to_json())
        return
    click.echo(f"task: {recipe.task}")
    for name, value in recipe.parameters.items():
        if value not in (None, ""):
            click.echo(f"{name}: {value}")
    if (recipe.x, recipe.y) != (0, 0):
        click.echo(f"offset: {recipe.x}, {recipe.y}")
    click.echo("made by:")
    for name, value in recipe.made_by.items():
        click.echo(f"  {name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}")
