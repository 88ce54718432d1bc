"""`latent-bridge serve`: run the daemon until Ctrl-C or SIGTERM."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bridge.protocol import locations

from .failures import Exit, Failure

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--host", default=locations.DEFAULT_HOST, show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=locations.DEFAULT_PORT,
    envvar=locations.PORT_VARIABLE,
    show_default=True,
    show_envvar=True,
    help="0: a free one.",
)
@click.option("--model", "models", multiple=True, help="A diffusers folder or hub id; the first is the default model.")
@click.option(
    "--models-dir",
    "models_dirs",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder whose subfolders are models.",
)
@click.option("--token-file", type=FILE, help="File with the access token; made when missing.")
@click.option("--allow-origin", "allowed_origins", multiple=True, help="Web page that may connect.")
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@click.option("--log-json", is_flag=True, help="Log one JSON object a line.")
@click.option("--tls-cert", type=FILE, help="PEM certificate; needed to listen beyond this machine.")
@click.option("--tls-key", type=FILE, help="PEM key.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--model-memory", type=click.FloatRange(0), help="For models, in GB.  [default: half of the device's]")
@click.option(
    "--parked-memory",
    type=click.FloatRange(0),
    help="Main memory for models that had to leave the GPU, in GB; 0 keeps none.  [default: a quarter of it]",
)
@click.option("--idle-release", type=click.FloatRange(0), help="Minutes idle until models are put away.  [default: 15]")
@click.option(
    "--safety-filter",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a safety checker; pictures that it flags are held back.  [default: none]",
)
@click.option("--max-megapixels", type=click.FloatRange(0.01, 1024), help="Most of one picture.  [default: 67.1]")
@click.option("--max-steps", type=click.IntRange(1, 1000), help="Most of a job.  [default: 150]")
@click.option("--max-images", type=click.IntRange(1, 64), help="Most of a job.  [default: 16]")
@click.option("--max-queue", type=click.IntRange(1), help="Most unfinished jobs of one session.  [default: 32]")
@click.option("--max-message-mb", type=click.IntRange(1, 4096), help="Largest message.  [default: 537]")
@click.option("--history-size", type=click.FloatRange(0.001), help="Stored results, in GB.  [default: 4.3]")
@click.option("--ping-interval", type=click.FloatRange(0.1), help="Seconds between websocket pings.  [default: 10]")
def serve(**options: Any) -> None:
    """Run the daemon: one port on this machine, one engine process that owns the GPU."""
    from bridge.client.starter import remember_executable
    from bridge.daemon.server import run
    from bridge.protocol.errors import BridgeError

    settings = build_settings(**options)
    remember_executable()
    try:
        run(settings)
    except BridgeError as error:
        raise Failure(error, Exit.FAILED) from error


def build_settings(
    *,
    host: str,
    port: int,
    models: tuple[str, ...],
    models_dirs: tuple[Path, ...],
    token_file: Path | None,
    allowed_origins: tuple[str, ...],
    log_level: str,
    log_json: bool,
    tls_cert: Path | None,
    tls_key: Path | None,
    device: str,
    model_memory: float | None,
    parked_memory: float | None,
    idle_release: float | None,
    safety_filter: Path | None,
    max_megapixels: float | None,
    max_steps: int | None,
    max_images: int | None,
    max_queue: int | None,
    max_message_mb: int | None,
    history_size: float | None,
    ping_interval: float | None,
) -> Any:
    """The daemon's settings for these options. Folders given come before the models that ship with the package."""
    from bridge.daemon.config import Settings

    standard = Settings()
    limits = replace(
        standard.limits,
        **_given(
            pixels=max_megapixels and round(max_megapixels * 1e6),
            steps=max_steps,
            images=max_images,
            queued_jobs=max_queue,
            message_bytes=max_message_mb and max_message_mb * 1_000_000,
        ),
    )
    more = _given(
        history_bytes=history_size and round(history_size * 1e9),
        model_memory=model_memory and round(model_memory * 1e9),
        parked_memory=None if parked_memory is None else round(parked_memory * 1e9),
        idle_release=None if idle_release is None else idle_release * 60,
        ping_interval=ping_interval,
        ping_timeout=ping_interval and 2 * ping_interval,
    )
    return Settings(
        host=host,
        port=port,
        models=models,
        model_folders=(*models_dirs, *standard.model_folders),
        token_file=token_file or locations.token_file(),
        allowed_origins=allowed_origins,
        log_level=log_level,
        log_json=log_json,
        tls_certificate=tls_cert,
        tls_key=tls_key,
        device=device,
        safety_filter=safety_filter,
        limits=limits,
        **more,
    )


def _given(**values: float | None) -> dict[str, Any]:
    """The options that the user gave."""
    return {name: value for name, value in values.items() if value is not None}
