"""How a job's progress reads in a line. Pure; every host says it alike."""

from __future__ import annotations

import math

from .messages import JobProgress

STAGES = {
    "queued": "Waiting",
    "downloading": "Downloading the model",
    "loading": "Loading the model",
    "encoding": "Reading the picture",
    "denoising": "Denoising",
    "decoding": "Decoding",
    "mapping": "Working out maps",
    "finishing": "Finishing",
}


def progress_text(progress: JobProgress) -> str:
    """Stage, step and remaining time, such as `Denoising, step 7 of 20 · 4 s left`."""
    text = STAGES.get(progress.stage, progress.stage.capitalize())
    if progress.stage == "denoising" and progress.steps:
        text += f", step {progress.step} of {progress.steps}"
    if progress.stage == "downloading" and progress.bytes_total:
        text += f", {share_text(progress.bytes_done, progress.bytes_total)}"
    remaining = "" if progress.eta is None else remaining_text(progress.eta)
    return f"{text} · {remaining}" if remaining else f"{text}…"


def progress_share(progress: JobProgress) -> float | None:
    """What a bar shows, 0 to 1: of the download, then of the job. None while that cannot be told."""
    if progress.stage == "downloading":
        return progress.bytes_done / progress.bytes_total if progress.bytes_total else None
    return None if progress.stage == "loading" else progress.fraction


def size_text(size: int) -> str:
    """A size in bytes for people, in decimal units as shops and hubs give it: `6.9 GB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def share_text(done: int, total: int) -> str:
    """So many bytes of so many: `1.2 of 6.9 GB`."""
    number, unit = size_text(total).split()
    return f"{done / (1e9 if unit == 'GB' else 1e6):.1f} of {number} {unit}"


def remaining_text(seconds: float) -> str:
    """A remaining time for people; never more exact than it can be."""
    if seconds < 1:
        return "nearly done"
    if seconds < 90:
        return f"{math.ceil(seconds)} s left"
    return f"{math.ceil(seconds / 60)} min left"
