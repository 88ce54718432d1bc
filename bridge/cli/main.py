"""`latent-bridge …`: one module a command, imported only when that command is used.

Exit codes: 0 done; 1 the job failed or `doctor` found something; 2 the command line was wrong; 3 no daemon, or the
connection was lost; 4 the daemon refused; 130 cancelled by Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from .lazy import LazyGroup

COMMANDS = {
    "generate": ("bridge.cli.generate:generate", "Make a picture from a prompt."),
    "edit": ("bridge.cli.edit:edit", "Change a picture towards a prompt."),
    "inpaint": ("bridge.cli.inpaint:inpaint", "Repaint the white part of a mask."),
    "outpaint": ("bridge.cli.outpaint:outpaint", "Extend a picture beyond its sides."),
    "upscale": ("bridge.cli.upscale:upscale", "Enlarge a picture and paint the detail that it lacks."),
    "maps": ("bridge.cli.maps:maps", "Make the normal map and its like from a base colour."),
    "jobs": ("bridge.cli.jobs:jobs", "List the daemon's jobs, or fetch their pictures."),
    "models": ("bridge.cli.models:models", "List the daemon's models."),
    "pull": ("bridge.cli.pull:pull", "Download a model from the hub."),
    "lend": ("bridge.cli.lend:lend", "Free the GPU for another program."),
    "show": ("bridge.cli.show:show", "Print the recipe kept in a picture."),
    "demo": ("bridge.cli.demo:demo", "Inpaint, outpaint and generate with the built-in model."),
    "doctor": ("bridge.cli.doctor:doctor", "Check this installation and say what to do."),
    "serve": ("bridge.cli.serve:serve", "Run the daemon."),
    "plugins": ("bridge.cli.plugins:plugins", "Install the plugins of Krita and other programs."),
}


def version() -> str:
    """The version of this package."""
    from bridge import __version__

    return __version__


@click.group(
    cls=LazyGroup,
    commands_at=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 done, 1 job failed, 2 usage, 3 no daemon, 4 refused, 130 cancelled.",
)
@click.version_option(version(), prog_name="latent-bridge")
def cli() -> None:
    """Pictures from the local daemon that owns the GPU."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    from .failures import run_guarded

    sys.exit(run_guarded(cli, arguments))


if __name__ == "__main__":
    main()
