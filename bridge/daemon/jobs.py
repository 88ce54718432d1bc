"""A job while it is queued or runs. What outlives it is in the history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from bridge.protocol.engine_link import AdapterSource, ModelSource
from bridge.protocol.messages import JobState, JobStatus
from bridge.protocol.pixels import Picture
from bridge.protocol.shared_pixels import SharedPicture, SharedPixels
from bridge.protocol.tasks import Task

TaskT = TypeVar("TaskT", bound=Task)


@dataclass
class ActiveJob:
    """A job that has not ended.

    Attributes:
        job_id: the client's id.
        owner: digest of the session secret.
        task: what to do, its seed drawn, its pictures in shared files.
        model: with which model; None when it needs none.
        priority: "interactive" or "batch".
        preview_side: longest side of previews in pixels, 0 for none.
        adapters: every adapter that the task names.
        hub_id: what has to be downloaded first; empty when its model is here.
        seq: number of the last lasting event.
        results: images stored so far.
        state: "queued" or "running".
        position: jobs before it.
        cancelled: set once the owner has cancelled it.
    """

    job_id: str
    owner: str
    task: Task
    model: ModelSource | None
    priority: str
    preview_side: int
    adapters: tuple[AdapterSource, ...] = ()
    hub_id: str = ""
    seq: int = 0
    results: int = 0
    state: JobState = "queued"
    position: int = -1
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    def status(self, request_id: int) -> JobStatus:
        """The answer to a request about it."""
        return JobStatus(
            request_id=request_id,
            job_id=self.job_id,
            state=self.state,
            position=max(self.position, 0),
            last_seq=self.seq,
        )

    @property
    def next_seq(self) -> int:
        """Number of the next lasting event. It is taken once the event is written, so that none is ever missing."""
        return self.seq + 1


def pictures_of(task: Task) -> Iterator[tuple[str, Picture]]:
    """The pictures of a task with the names of their fields, such as `controls[0].image`."""
    return _pictures_in(task, "")


def _pictures_in(value: Any, path: str) -> Iterator[tuple[str, Picture]]:
    if isinstance(value, Picture):
        yield path, value
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from _pictures_in(each, f"{path}[{number}]")
    elif is_dataclass(value):
        for item in fields(value):
            yield from _pictures_in(getattr(value, item.name), f"{path}.{item.name}" if path else item.name)


def adopt_pictures(task: TaskT, shared: SharedPixels) -> TaskT:
    """Move the pixels of a task out of this process. Blocks; call it in a thread for large pictures."""
    adopted: TaskT = _with_pictures(task, lambda picture: shared.adopt(picture, move=True))
    return adopted


def _with_pictures(value: Any, change: Callable[[Picture], Picture]) -> Any:
    if isinstance(value, Picture):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_with_pictures(each, change) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{item.name: _with_pictures(getattr(value, item.name), change) for item in fields(value)}
        )
    return value


def release_pictures(task: Task, shared: SharedPixels) -> None:
    """Remove the shared files of a task that has ended."""
    for _, picture in pictures_of(task):
        if isinstance(picture, SharedPicture):
            shared.remove(picture.name)
