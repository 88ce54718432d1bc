# SPDX-License-Identifier: GPL-3.0-or-later
"""What a happening makes of its job, one value from the next, and which jobs are history. Pure."""

from __future__ import annotations

from dataclasses import replace

from .connection import JobHappened, SubmitFailed, VariantReady
from .jobs import Goal, JobView, Phase
from .vendored import errors, messages

JOBS_SHOWN = 20
"""Older ones that are over are forgotten."""
JobHappening = VariantReady | SubmitFailed | JobHappened


def after(job: JobView, happening: JobHappening) -> tuple[JobView, bool]:
    """The job as it is now, and whether this was its end."""
    if isinstance(happening, VariantReady):
        return job.made(happening.variant), False
    if isinstance(happening, SubmitFailed):
        return job.failed(happening.error), True
    if isinstance(happening.event, messages.JobFinished):
        return job.finished(), True
    return job.happened(happening.event), isinstance(happening.event, messages.FINAL_EVENTS)


def broken(job: JobView, error: errors.BridgeError) -> JobView:
    """Dealing with a happening failed: so has its job. Pictures that have no place yet stay to be chosen."""
    told = replace(job, error=error.message, hint=error.hint)
    if job.variants and not job.applied and job.target.goal is not Goal.MAPS:
        return replace(told, phase=Phase.CHOOSING, text="")
    # What is where it belongs has not failed; what should have followed did not.
    return told if job.applied else job.failed(error)


def outdated(jobs: list[JobView]) -> list[str]:
    """Ids of the oldest jobs beyond `JOBS_SHOWN` that the user has nothing left to do with."""
    over = [job for job in jobs if job.over and job.phase is not Phase.CHOOSING]
    done = [job.id for job in over if not job.resumable and not job.within]
    return done[: max(0, len(jobs) - JOBS_SHOWN)]
