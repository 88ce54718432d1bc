"""Runs one job for a command: connection, progress, Ctrl-C, files, JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import JobEvent, JobNotice, JobProgress
from bridge.protocol.pixels import Picture
from bridge.protocol.plain import tag_of
from bridge.protocol.tasks import Generation, Layer, SurfaceMaps
from bridge.protocol.wording import progress_share, share_text

from .connecting import Whereabouts, open_bridge
from .failures import Exit, Failure, exit_code, usage_error
from .output_names import check_output, numbered, planned_path
from .recipes import Recipe, build_task, differences, plain_parameters, recipe_of

if TYPE_CHECKING:
    from bridge.client import Job

POLL = 0.2
"""Seconds between looks at the keyboard: some systems cannot interrupt a wait without an end."""
COMMANDS_OF = {"text-to-image": "generate", "image-to-image": "edit", "surface-maps": "maps"}
"""Commands that are not called like their task."""
CANCEL_GRACE = 10.0
"""Seconds that a cancelled job gets to end, so that the daemon is idle when the command is over."""


@dataclass(frozen=True)
class Wish:
    """Everything about a run that is not the task.

    Attributes:
        output: file or folder; None names the file after prompt and seed.
        force: replace files.
        as_json: result or error on stdout as JSON.
        keep_alpha: write alpha even when it is opaque everywhere.
        daemon: where to run it.
    """

    output: Path | None
    force: bool
    as_json: bool
    keep_alpha: bool
    daemon: Whereabouts


Paths = Callable[[Generation | SurfaceMaps, list[Layer], Path | None], Iterator[Path]]
"""Where the pictures of a task go, given the file or folder that the user named."""


def named_by_prompt(task: Generation | SurfaceMaps, layers: list[Layer], output: Path | None) -> Iterator[Path]:
    """As the user said, or named after prompt and seed; numbered when there are several."""
    return numbered(planned_path(output, task.prompt, layers[0].seed, tag_of(type(task))))


@dataclass(frozen=True)
class Request:
    """What a command asks for.

    Attributes:
        cls: the kind of task.
        given: parameters from the command line; None where the user said nothing.
        pictures: inputs, by the field that they fill.
        from_file: a PNG whose recipe completes them.
        needs_prompt: whether the task makes no sense without one.
        paths: where the pictures go.
    """

    cls: type[Generation] | type[SurfaceMaps]
    given: Mapping[str, Any]
    pictures: Mapping[str, Picture]
    from_file: Path | None
    needs_prompt: bool = True
    paths: Paths = named_by_prompt

    def recipe(self) -> Recipe | None:
        """The recipe to follow, if any.

        Raises:
            BridgeError: when the file carries none.
            Failure: when it is of another task.
        """
        if self.from_file is None:
            return None
        from .picture_files import read_recipe

        recipe = read_recipe(self.from_file)
        if recipe.task != tag_of(self.cls):
            command = COMMANDS_OF.get(recipe.task, recipe.task)
            raise usage_error(f"{self.from_file} was made by {recipe.task}.", f"Use `latent-bridge {command}`.")
        return recipe

    def task(self, recipe: Recipe | None) -> Generation | SurfaceMaps:
        """The task: the command line over the recipe, and that over the defaults.

        Raises:
            BridgeError: for a value that is not allowed.
            Failure: without a prompt.
        """
        parameters: dict[str, Any] = {} if recipe is None else dict(recipe.parameters)
        parameters.update({name: value for name, value in self.given.items() if value is not None})
        if "prompt" not in parameters and self.needs_prompt:
            raise usage_error("A prompt is missing.", "Say what the picture shall show, or give --from FILE.", "prompt")
        return build_task(self.cls, parameters, self.pictures)


def tell(sentence: str) -> None:
    """A note for people, beside the output."""
    click.echo(f"note: {sentence}", err=True)


def picture_input(path: Path, *, as_json: bool) -> Picture:
    """A picture that the user named. Raises `Failure` (usage)."""
    from .picture_files import read_picture

    try:
        return read_picture(path, tell)
    except BridgeError as error:
        raise Failure(error, Exit.USAGE, as_json=as_json) from error


def mask_input(path: Path, *, as_json: bool) -> Picture:
    """A mask that the user named. Raises `Failure` (usage)."""
    from .picture_files import read_mask

    try:
        return read_mask(path)
    except BridgeError as error:
        raise Failure(error, Exit.USAGE, as_json=as_json) from error


def extent(as_layer: bool | None, from_file: Path | None) -> str | None:
    """The finished picture, unless the user or the recipe says otherwise."""
    if as_layer is None:
        return "canvas" if from_file is None else None
    return "layer" if as_layer else "canvas"


def run_request(request: Request, wish: Wish) -> None:
    """Run a task and write its pictures.

    Raises:
        Failure: with the exit code for what went wrong.
    """
    try:
        check_output(wish.output)
        try:
            recipe = request.recipe()
            task = request.task(recipe)
        except BridgeError as error:
            raise Failure(error, Exit.USAGE) from error
        began = time.monotonic()
        with open_bridge(wish.daemon) as bridge:
            job = _run(bridge, task, quiet=wish.as_json)
        layers = job.result(0)
        if recipe is not None:
            for sentence in differences(recipe, recipe_of(recipe.task, layers[0])):
                tell(sentence)
        files = _write(task, layers, request.paths(task, layers, wish.output), wish)
    except Failure as failure:
        failure.as_json = wish.as_json
        raise
    except BridgeError as error:
        raise Failure(error, exit_code(error), as_json=wish.as_json) from error
    if wish.as_json:
        seconds = round(time.monotonic() - began, 3)
        click.echo(json.dumps({"job_id": job.id, "seconds": seconds, "files": files}))


def _run(bridge: Any, task: Generation | SurfaceMaps, *, quiet: bool) -> Job:
    """Run a job to its end. Ctrl-C cancels it on the daemon; a second one stops waiting for that."""
    with _progress_view(task, quiet=quiet) as view:
        job: Job = bridge.submit(task, on_event=lambda _, event: view.take(event))
        try:
            while not job.wait(POLL):
                pass
        except KeyboardInterrupt:
            job.cancel()
            with suppress(KeyboardInterrupt):
                _wait(job, CANCEL_GRACE)
            raise BridgeError(ErrorCode.CANCELLED, "The job was cancelled.") from None
    job.result(0)
    return job


def _wait(job: Job, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not job.wait(POLL) and time.monotonic() < deadline:
        pass


def _write(
    task: Generation | SurfaceMaps, layers: list[Layer], paths: Iterator[Path], wish: Wish
) -> list[dict[str, Any]]:
    from .picture_files import write_picture

    kind, asked = tag_of(type(task)), plain_parameters(task)
    files = []
    for layer, path in zip(layers, paths, strict=False):
        recipe = recipe_of(kind, layer, asked)
        written = write_picture(layer.picture, path, recipe, force=wish.force, keep_alpha=wish.keep_alpha)
        files.append(
            {
                "path": str(written),
                "width": layer.picture.width,
                "height": layer.picture.height,
                "x": layer.x,
                "y": layer.y,
                "seed": layer.seed,
                "recipe": json.loads(recipe.to_json()),
            }
        )
        if not wish.as_json:
            click.echo(str(written))
    return files


def _progress_view(task: Generation | SurfaceMaps, *, quiet: bool) -> ProgressView:
    on_terminal = sys.stderr.isatty() and not quiet
    return TerminalProgress(task.prompt) if on_terminal else ProgressView(quiet=quiet)


class ProgressView:
    """Shows what a job does; this one only passes notices on. Used as a context manager."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet

    def __enter__(self) -> ProgressView:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def take(self, event: JobEvent) -> None:
        """An event of the job, on the client's thread."""
        if isinstance(event, JobNotice) and not self._quiet:
            tell(f"{event.notice.message} {event.notice.hint}".rstrip())


class TerminalProgress(ProgressView):
    """A bar with stage, step and remaining time."""

    def __init__(self, prompt: str) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[step]}"),
            TextColumn("{task.fields[eta]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar = self._progress.add_task("queued", total=1.0, step="", eta="")

    def __enter__(self) -> ProgressView:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def take(self, event: JobEvent) -> None:
        """Move the bar."""
        if isinstance(event, JobProgress):
            step = f"step {event.step}/{event.steps}" if event.steps else ""
            self._progress.update(
                self._bar,
                completed=progress_share(event) or 0.0,
                description=event.stage,
                step=share_text(event.bytes_done, event.bytes_total) if event.bytes_total else step,
                eta=f"{event.eta:.0f} s left" if event.eta is not None else "",
            )
        elif isinstance(event, JobNotice):
            self._progress.console.print(f"note: {event.notice.message} {event.notice.hint}".rstrip(), markup=False)
