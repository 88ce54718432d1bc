"""Runs a job from its order to its end, and says what happens on the way."""

from __future__ import annotations

import functools
from collections.abc import Callable

from bridge.protocol.engine_link import Ended, LinkMessage, ModelSource, Run
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import ErrorInfo
from bridge.protocol.tasks import GenerationTask, SurfaceMaps

from .adapters.job_adapters import JobAdapters
from .cancellation import AbortFlag, JobAborted
from .device import Device
from .faults import FaultHook, no_faults
from .ladder import HINT, MemoryLadder, out_of_memory
from .live.interlude import Interlude
from .making import Making, or_none_without_memory
from .models.loading import LoadedModel
from .models.shelf import ModelShelf
from .planning import check_task, plan_for
from .prompting.job_prompts import JobPrompts
from .prompting.reading import reading_of
from .settings import Settings
from .stages import Stages
from .surface_maps.making import make_maps
from .unexpected import explained


class Runner:
    """Runs jobs one at a time, on the thread that calls it; one such thread owns the device."""

    def __init__(
        self,
        device: Device,
        shelf: ModelShelf,
        send: Callable[[LinkMessage], None],
        faults: FaultHook = no_faults,
        interlude: Interlude | None = None,
    ) -> None:
        self._device = device
        self._shelf = shelf
        self._send = send
        self._faults = faults
        self._interlude = interlude

    def run(self, run: Run, abort: AbortFlag) -> None:
        """Run a job. Sends its events, the last of which is one `Ended`; raises nothing that a job can cause."""
        stages = Stages(run.job_id, self._send, abort, self._faults)
        cancelled, error = False, None
        try:
            self._make(run, stages)
        except JobAborted:
            cancelled = True
        except BridgeError as known:
            error = ErrorInfo.of(known)
        # The engine outlives whatever a model or a library comes up with; the daemon gets its name, the log the rest.
        except Exception as unexpected:  # noqa: BLE001 - see above
            error = ErrorInfo.of(explained(unexpected, self._device))
        self._send(Ended(job_id=run.job_id, cancelled=cancelled, error=error, timings=stages.timings()))

    def _make(self, run: Run, stages: Stages) -> None:
        stages.check()
        if isinstance(run.task, SurfaceMaps):
            if self._interlude is not None:
                stages.between_steps = self._interlude
            make_maps(run.job_id, run.task, run.first_image, stages, self._send)
        elif run.model is None:
            raise BridgeError(ErrorCode.INTERNAL, "The engine was told no model.")
        else:
            self._generate(run, run.task, run.model, stages)

    def _generate(self, run: Run, task: GenerationTask, source: ModelSource, stages: Stages) -> None:
        check_task(task, run.adapters)
        model = self._load(source, stages)
        settings = Settings.of(task, model)
        model.schedulers.check_steps(settings.scheduler, settings.steps)
        ladder = MemoryLadder(self._device, self._shelf, model)
        plan = plan_for(task, model)
        prompts = JobPrompts(task, reading_of(model.base), stages.notice)
        if self._interlude is not None:
            stages.between_steps = functools.partial(self._interlude, model, guided=bool(task.controls))
        adapters = JobAdapters.of(task, run.adapters, model)
        making = Making(run, task, plan, model, settings, prompts, stages, ladder, self._device, adapters, self._send)
        try:
            making.make_all()
        finally:
            ladder.restore()

    def _load(self, source: ModelSource, stages: Stages) -> LoadedModel:
        model = or_none_without_memory(lambda: self._get(source, stages), self._device)
        if model is None:
            self._shelf.drop_others(source)
            message = "Memory ran out while loading; other models were put away, and loading is tried again."
            stages.notice(BridgeError(ErrorCode.OUT_OF_MEMORY, message, hint=HINT))
            model = or_none_without_memory(lambda: self._get(source, stages), self._device)
        if model is None:
            raise out_of_memory(self._device)
        return model

    def _get(self, source: ModelSource, stages: Stages) -> LoadedModel:
        if not self._shelf.holds(source):
            stages.enter("loading")
        return self._shelf.get(source, stages.check)
