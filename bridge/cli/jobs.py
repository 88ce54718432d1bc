"""`latent-bridge jobs`: the daemon's history."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import JobSummary

from .connecting import Whereabouts, connection_options, open_bridge
from .failures import json_failures
from .output_names import check_output, numbered, planned_path
from .recipes import recipe_of

if TYPE_CHECKING:
    from bridge.client import Bridge

SHORT_ID = 12
"""Characters of a job id that the list shows; `jobs show` takes any beginning that is unique."""


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
@connection_options
@click.pass_context
def jobs(ctx: click.Context, *, limit: int, as_json: bool, daemon: Whereabouts) -> None:
    """List the newest jobs, newest first."""
    if ctx.invoked_subcommand is not None:
        return
    with json_failures(as_json), open_bridge(daemon) as bridge:
        found = bridge.jobs(limit)
    if as_json:
        click.echo(json.dumps({"jobs": [asdict(job) for job in found]}))
        return
    for job in found:
        click.echo(_line(job))


@jobs.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the images to this PNG, JPEG or WebP file, or into this folder.",
)
@click.option("--index", type=click.IntRange(0), help="Only this image, from 0.")
@click.option("--force", is_flag=True, help="Replace files of the same name instead of adding a number.")
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
@connection_options
def show(
    *,
    job_id: str,
    output: Path | None,
    index: int | None,
    force: bool,
    as_json: bool,
    daemon: Whereabouts,
) -> None:
    """Show one job, and write its images with -o. The beginning of an ID is enough."""
    with json_failures(as_json), open_bridge(daemon) as bridge:
        check_output(output)
        job = _find(bridge, job_id)
        files = _write_images(bridge, job, output, index, force) if output is not None else []
    if as_json:
        click.echo(json.dumps({"job": asdict(job), "files": files}))
        return
    if files:
        for file in files:
            click.echo(file)
        return
    click.echo(_line(job))
    click.echo(f"id: {job.job_id}\ncreated: {_when(job)}\nimages: {job.results} of {job.images}\nprompt: {job.prompt}")
    if job.error is not None:
        click.echo(f"error: {job.error.message} {job.error.hint}".rstrip())


def _find(bridge: Bridge, beginning: str) -> JobSummary:
    known = [job for job in bridge.jobs(200) if job.job_id.startswith(beginning)]
    exact = [job for job in known if job.job_id == beginning]
    if len(exact or known) == 1:
        return (exact or known)[0]
    if known:
        raise BridgeError(
            ErrorCode.UNKNOWN_JOB,
            f"{len(known)} jobs begin with {beginning!r}.",
            hint="Give more of the id.",
            field="job_id",
        )
    return bridge.fetch(beginning).job  # older than the list goes; an unknown id is refused


def _write_images(bridge: Bridge, job: JobSummary, output: Path, index: int | None, force: bool) -> list[str]:
    from .picture_files import write_picture

    wanted = range(job.results) if index is None else [index]
    if not wanted:
        raise BridgeError(ErrorCode.RESULT_EVICTED, f"Job {job.job_id} has no images.", hint="It did not finish one.")
    written: list[str] = []
    names = None
    for position in wanted:
        layer = bridge.fetch(job.job_id, position).layer
        if names is None:
            names = numbered(planned_path(output, job.prompt, layer.seed, job.task))
        recipe = recipe_of(job.task, layer, {"prompt": job.prompt})
        path = write_picture(layer.picture, next(names), recipe, force=force, keep_alpha=job.task != "text-to-image")
        written.append(str(path))
    return written


def _when(job: JobSummary) -> str:
    return datetime.fromtimestamp(job.created).strftime("%Y-%m-%d %H:%M:%S")


def _line(job: JobSummary) -> str:
    prompt = job.prompt if len(job.prompt) <= 50 else f"{job.prompt[:49]}…"
    counts = f"{job.results}/{job.images}"
    return f"{job.job_id[:SHORT_ID]:<{SHORT_ID}}  {_when(job)}  {job.state:<9}  {counts}  {job.task:<14}  {prompt}"
