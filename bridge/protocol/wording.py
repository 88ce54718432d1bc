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
    "finishing": "Finishing",
}


def progress_text(progress: JobProgress) -> str:
    """Stage, step and remaining time, such as `Denoising, step 7 of 20 · 4 s left`."""
    text = STAGES.get(progress.stage, progress.stage.capitalize())
    if progress.stage == "denoising" and progress.steps:
        text += f", step {progress.step} of {progress.steps}"
    remaining = "" if progress.eta is None else remaining_text(progress.eta)
    return f"{text} · {remaining}" if remaining else f"{text}…"


def remaining_text(seconds: float) -> str:
    """A remaining time for people; never more exact than it can be."""
    if seconds < 1:
        return "nearly done"
    if seconds < 90:
        return f"{math.ceil(seconds)} s left"
    return f"{math.ceil(seconds / 60)} min left"
