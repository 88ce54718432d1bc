# SPDX-License-Identifier: GPL-3.0-or-later
"""What a line can tell of all jobs, and which one is meant by “the running job”. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from .jobs import JobView, Phase

WORDS = 40
"""Longest title in the line, characters."""


def running(jobs: Iterable[JobView]) -> JobView | None:
    """The job that is being worked on, else the one whose turn is next; None when nothing is left to cancel."""
    left = [job for job in jobs if not job.over and not job.within and job.phase is not Phase.CANCELLING]
    return next((job for job in left if job.phase is not Phase.WAITING), left[0] if left else None)


def progress_line(jobs: Iterable[JobView]) -> str:
    """The running job and how many wait, such as `moss, view 2 of 8, 45 %, 1 more`; empty when there is none."""
    left = [job for job in jobs if not job.over and not job.within]
    job = running(left) or (left[0] if left else None)
    if job is None:
        return ""
    part = job.part[:1].lower() + job.part[1:]
    state = f"{job.fraction:.0%}" if job.phase is Phase.RUNNING else job.text.rstrip("….")
    more = f"{len(left) - 1} more" if len(left) > 1 else ""
    return ", ".join(filter(None, (_short(job.title), part, state[:1].lower() + state[1:], more)))


def failure_line(jobs: Iterable[JobView], message: str = "") -> str:
    """What went wrong last and was not dismissed yet; empty when nothing did.

    Args:
        jobs: oldest first.
        message: what belongs to no job.
    """
    failed = [job for job in jobs if job.phase is Phase.FAILED and not job.within]
    return f"{_short(failed[-1].title)}: {failed[-1].error}" if failed else message


def _short(title: str) -> str:
    words = " ".join(title.split())
    return words if len(words) <= WORDS else f"{words[: WORDS - 1].rstrip()}…"
