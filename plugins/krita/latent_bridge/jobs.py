# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs under way, oldest first: what each was for, and a line on each. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .form import Form
from .request import Plan
from .vendored import messages, tasks, wording


@dataclass(frozen=True)
class Pending:
    """A job under way, and where its results belong.

    Attributes:
        job_id: the daemon's job.
        document: what the host calls a document.
        plan: what was asked for.
        form: the docker's values at that time.
        mask: the selection that was sent, packed; empty for none.
        target: id of the layer that was active then.
        layers: results so far.
        last: the newest event that was no result; None before the first.
    """

    job_id: str
    document: Any
    plan: Plan
    form: Form
    mask: str = ""
    target: str = ""
    layers: tuple[tasks.Layer, ...] = ()
    last: messages.JobEvent | None = None

    @property
    def complete(self) -> bool:
        """Whether all images are there."""
        return len(self.layers) >= self.form.images

    @property
    def line(self) -> str:
        """How it stands, for a list."""
        return f"{progress_of(self.last)} · {self.form.prompt.strip() or 'no prompt'}"


def progress_of(event: messages.JobEvent | None) -> str:
    """How a job stands after an event, with the time that is left where it is known."""
    if isinstance(event, messages.JobProgress):
        return wording.progress_text(event)
    if isinstance(event, messages.JobQueued) and event.position:
        return f"{event.position} before it"
    return "Waiting"


@dataclass(frozen=True)
class Jobs:
    """All jobs under way."""

    pending: tuple[Pending, ...] = ()

    @property
    def front(self) -> Pending | None:
        """The oldest: the one whose progress the docker shows."""
        return self.pending[0] if self.pending else None

    def find(self, job_id: str) -> Pending | None:
        """The job of that id."""
        return next((job for job in self.pending if job.job_id == job_id), None)

    def added(self, job: Pending) -> Jobs:
        """With one more."""
        return Jobs((*self.pending, job))

    def without(self, job_id: str) -> Jobs:
        """Without one that is over or was let go."""
        return Jobs(tuple(job for job in self.pending if job.job_id != job_id))

    def happened(self, event: messages.JobEvent) -> Jobs:
        """After an event of one of them."""
        return Jobs(tuple(_after(job, event) if job.job_id == event.job_id else job for job in self.pending))


def _after(job: Pending, event: messages.JobEvent) -> Pending:
    if isinstance(event, messages.JobResult):
        return replace(job, layers=(*job.layers, event.layer))
    if isinstance(event, (messages.JobQueued, messages.JobProgress)):
        return replace(job, last=event)
    return job
