"""`latent-bridge doctor`: is this installation well, and if not, what to do."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from .connecting import Whereabouts, whereabouts_options
from .failures import Exit

COLOURS = {"ok": "green", "note": "yellow", "wrong": "red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
@whereabouts_options
@click.pass_context
def doctor(ctx: click.Context, *, daemon: Whereabouts, as_json: bool) -> None:
    """Check this installation and say what to do. Exit code 1 when something is wrong."""
    from .checks import all_findings

    findings = all_findings(daemon)
    wrong = any(finding.level == "wrong" for finding in findings)
    if as_json:
        click.echo(json.dumps({"ok": not wrong, "findings": [asdict(finding) for finding in findings]}))
    else:
        for finding in findings:
            label = click.style(f"{finding.level:<5}", fg=COLOURS[finding.level])
            remedy = f"\n       → {finding.remedy}" if finding.remedy else ""
            click.echo(f"{label}  {finding.subject}: {finding.found}{remedy}")
    ctx.exit(Exit.FAILED if wrong else Exit.DONE)
