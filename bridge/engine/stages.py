"""Where a job is: progress to the daemon, time spent, and the places where it can be stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge.protocol.engine_link import LinkMessage, Noticed, Previewed, Progressed
from bridge.protocol.errors import BridgeError
from bridge.protocol.messages import ErrorInfo, Stage
from bridge.protocol.pixels import Picture

from .cancellation import AbortFlag
from .faults import FaultHook


class Stages:
    """The course of one job. Entering a stage and finishing a step are also where a job can be stopped."""

    def __init__(self, job_id: str, send: Callable[[LinkMessage], None], abort: AbortFlag, faults: FaultHook) -> None:
        self.between_steps: Callable[[], bool] = lambda: False
        """Called after every step or part: does something else and says whether it did. That time is not the job's."""
        self._job_id = job_id
        self._send = send
        self._abort = abort
        self._faults = faults
        self._seconds: dict[str, float] = {}
        self._stage: Stage = "loading"
        self._since = time.perf_counter()
        self._before, self._after = 0, 0
        self.image = 0
        """The image that is being made, from 0."""

    @contextmanager
    def part(self, *, image: int, before: int = 0, after: int = 0) -> Iterator[None]:
        """Have what is denoised while the context lasts count as a part of an image.

        Args:
            image: number of the image, from 0.
            before: steps of the image that came before these.
            after: steps of the image that come after these.
        """
        outer = self.image, self._before, self._after
        self.image, self._before, self._after = image, before, after
        try:
            yield
        finally:
            self.image, self._before, self._after = outer

    def enter(self, stage: Stage, steps: int = 0) -> None:
        """Begin a stage. Raises `JobAborted`."""
        self._account()
        self._stage = stage
        self._progressed(stage, 0, steps)
        self._abort.check()
        self._faults(stage)
        self._abort.check()

    def step_done(self, step: int, steps: int) -> None:
        """A denoising step was done. Raises `JobAborted`."""
        self._progressed("denoising", step, steps)
        self._abort.check()
        self._faults("step")
        self._let_others()

    def part_done(self, part: int, parts: int) -> None:
        """A part of a stage that has no denoising steps was done. Raises `JobAborted`."""
        self._progressed(self._stage, part, parts)
        self._abort.check()
        self._let_others()

    @property
    def stage(self) -> Stage:
        """The stage entered last."""
        return self._stage

    def check(self) -> None:
        """Raise `JobAborted` if the job is to stop."""
        self._abort.check()

    def preview(self, step: int, picture: Picture) -> None:
        """Show the image so far."""
        self._send(Previewed(job_id=self._job_id, image=self.image, step=step + self._before, picture=picture))

    def notice(self, notice: BridgeError) -> None:
        """Tell that the job goes on, but not quite as asked."""
        self._send(Noticed(job_id=self._job_id, notice=ErrorInfo.of(notice)))

    def timings(self) -> dict[str, object]:
        """Seconds spent in each stage so far."""
        self._account()
        return {stage: round(seconds, 6) for stage, seconds in self._seconds.items()}

    def _let_others(self) -> None:
        self._account()
        if self.between_steps():
            self._since = time.perf_counter()
            self._abort.check()

    def _progressed(self, stage: Stage, step: int, steps: int) -> None:
        if steps:
            step, steps = step + self._before, steps + self._before + self._after
        self._send(Progressed(job_id=self._job_id, stage=stage, image=self.image, step=step, steps=steps))

    def _account(self) -> None:
        now = time.perf_counter()
        self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
        self._since = now
