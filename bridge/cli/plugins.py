"""`latent-bridge plugins …`: put the plugins into their host programs."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from . import plugin_krita
from .plugin_bundle import PLUGIN, blender_files, krita_files, write_zip

HOSTS = click.Choice(["krita"])
FOLDER = click.Path(file_okay=False, path_type=Path)
KRITA_FOLDER = click.option(
    "--krita-folder",
    type=FOLDER,
    help="Krita's resource folder, the one with `pykrita` in it. Krita shows it under Settings ▸ Manage Resources ▸ "
    "Open Resource Folder.",
)
ARCHIVES = {"latent-bridge-krita.zip": krita_files, "latent-bridge-blender.zip": blender_files}


@click.group()
def plugins() -> None:
    """Install the plugins of Krita and other programs."""


@plugins.command()
@click.argument("host", type=HOSTS)
@KRITA_FOLDER
@click.option("--enable", is_flag=True, help="Switch the plugin on in Krita's settings too; close Krita before.")
def install(host: str, krita_folder: Path | None, enable: bool) -> None:
    """Copy a plugin, with everything it needs, to where its program looks for plugins."""
    from bridge.client.starter import remember_executable

    folder = _resource_folder(krita_folder)
    files = krita_files()
    _remove(folder)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    remember_executable()
    click.echo(f"Installed {len(files)} files in {folder / 'pykrita'}.")
    if enable:
        _enable()
    else:
        click.echo(
            "In Krita, tick Latent Bridge under Settings ▸ Configure Krita ▸ Python Plugin Manager, then start Krita "
            "again; `--enable` does that for you."
        )
    click.echo("The docker is under Settings ▸ Dockers ▸ Latent Bridge.")


@plugins.command()
@click.option(
    "-o", "--output", type=FOLDER, default=Path("dist"), show_default=True, help="Folder to put the archives in."
)
def build(output: Path) -> None:
    """Make the archives that the programs' own importers take.

    Krita: Tools ▸ Scripts ▸ Import Python Plugin from File. Blender: Preferences ▸ Add-ons ▸ Install from Disk.
    """
    for name, files in ARCHIVES.items():
        path = output / name
        write_zip(files(), path)
        click.echo(f"{path} ({path.stat().st_size // 1024} kB)")


@plugins.command()
@click.argument("host", type=HOSTS)
@KRITA_FOLDER
def uninstall(host: str, krita_folder: Path | None) -> None:
    """Remove a plugin again. Pictures and settings stay."""
    folder = _resource_folder(krita_folder)
    if _remove(folder):
        click.echo(f"Removed from {folder / 'pykrita'}. Krita notices when it is started again.")
    else:
        click.echo(f"There is no Latent Bridge in {folder / 'pykrita'}.")


def _resource_folder(given: Path | None) -> Path:
    if given is None:
        return plugin_krita.resource_folder()
    return given.parent if given.name == "pykrita" else given


def _remove(folder: Path) -> bool:
    """Remove the plugin's files and nothing else; returns whether there were any."""
    package = folder / "pykrita" / PLUGIN
    singles = [folder / "pykrita" / f"{PLUGIN}.desktop", folder / "actions" / f"{PLUGIN}.action"]
    found = package.exists() or any(path.exists() for path in singles)
    if package.exists():
        shutil.rmtree(package)
    for path in singles:
        path.unlink(missing_ok=True)
    return found


def _enable() -> None:
    path = plugin_krita.configuration_file()
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if plugin_krita.is_enabled(before):
        click.echo(f"It is switched on in {path} already.")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(plugin_krita.enabled(before), encoding="utf-8")
    click.echo(f"Switched on in {path}.")
