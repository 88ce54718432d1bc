"""Runs a job from its order to its end, and says what happens on the way."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

from bridge.protocol.engine_link import Ended, LinkMessage, Produced, Run
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import ErrorInfo
from bridge.protocol.tasks import Layer

from .cancellation import AbortFlag, JobAborted
from .conversion import Floats
from .device import Device, is_out_of_memory
from .faults import FaultHook, no_faults
from .ladder import HINT, MemoryLadder, out_of_memory
from .models.loading import LoadedModel
from .models.shelf import ModelShelf
from .painter import Settings, paint
from .plan import Placed, Plan
from .planning import plan_for
from .recipe import recipe_of
from .schedulers import make_scheduler
from .stages import Stages

T = TypeVar("T")


class Runner:
    """Runs jobs one at a time, on the thread that calls it; one such thread owns the device."""

    def __init__(
        self, device: Device, shelf: ModelShelf, send: Callable[[LinkMessage], None], faults: FaultHook = no_faults
    ) -> None:
        self._device = device
        self._shelf = shelf
        self._send = send
        self._faults = faults

    def run(self, run: Run, abort: AbortFlag) -> None:
        """Run a job. Sends its events, the last of which is one `Ended`; raises nothing that a job can cause."""
        stages = Stages(run.job_id, self._send, abort, self._faults)
        cancelled, error = False, None
        try:
            self._paint_all(run, stages)
        except JobAborted:
            cancelled = True
        except BridgeError as known:
            error = ErrorInfo.of(known)
        # The engine outlives whatever a model or a library comes up with; the daemon gets its name, the log the rest.
        except Exception as unexpected:  # noqa: BLE001
            error = ErrorInfo.of(self._unexpected(unexpected))
        self._send(Ended(job_id=run.job_id, cancelled=cancelled, error=error, timings=stages.timings()))

    def _paint_all(self, run: Run, stages: Stages) -> None:
        model = self._load(run, stages)
        settings = Settings.of(run.task, model)
        make_scheduler(settings.scheduler, model.own_scheduler)  # Refuses a wrong name before any work is done.
        plan = plan_for(run.task, model)
        ladder = MemoryLadder(self._device, self._shelf, model)
        try:
            index = run.first_image
            while index < run.task.images:
                count = min(run.task.batch_size, run.task.images - index)
                index += self._paint_some(run, plan, model, settings, stages, ladder, index, count)
        finally:
            ladder.restore()

    def _paint_some(
        self,
        run: Run,
        plan: Plan,
        model: LoadedModel,
        settings: Settings,
        stages: Stages,
        ladder: MemoryLadder,
        index: int,
        count: int,
    ) -> int:
        """Make up to `count` images from number `index` on. Returns how many were made."""
        stages.image = index
        pictures: Sequence[Floats] | None = None
        while pictures is None and plan.unchanged is None:
            count = count if ladder.together else 1
            seeds = [self._seed(run, index + i) for i in range(count)]
            pictures = self._attempt(lambda seeds=seeds: paint(plan, model, settings, seeds, stages, run.preview_side))
            if pictures is None:
                stages.notice(ladder.climb(count))
        for offset in range(count):
            stages.image = index + offset
            stages.enter("finishing")
            placed = plan.unchanged or plan.finish(_chosen(pictures, offset))
            self._produce(run, plan, model, settings, ladder, index + offset, count > 1, placed)
        return count

    def _produce(
        self,
        run: Run,
        plan: Plan,
        model: LoadedModel,
        settings: Settings,
        ladder: MemoryLadder,
        index: int,
        batched: bool,
        placed: Placed,
    ) -> None:
        seed = self._seed(run, index)
        recipe = recipe_of(run.task, plan, model, settings, self._device, seed, batched, ladder.savings)
        layer = Layer(picture=placed.picture, x=placed.x, y=placed.y, seed=seed, recipe=recipe)
        self._send(Produced(job_id=run.job_id, index=index, layer=layer))

    def _load(self, run: Run, stages: Stages) -> LoadedModel:
        stages.check()
        model = self._attempt(lambda: self._get(run, stages))
        if model is None:
            self._shelf.drop_others(run.model)
            stages.notice(
                BridgeError(
                    ErrorCode.OUT_OF_MEMORY, "Memory ran out while loading; other models were put away.", hint=HINT
                )
            )
            model = self._attempt(lambda: self._get(run, stages))
        if model is None:
            raise out_of_memory(self._device)
        return model

    def _get(self, run: Run, stages: Stages) -> LoadedModel:
        if not self._shelf.holds(run.model):
            stages.enter("loading")
        return self._shelf.get(run.model, stages.check)

    def _attempt(self, work: Callable[[], T]) -> T | None:
        """What `work` returns, or None when memory ran out; by then its frames and what they held are gone."""
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            print(f"engine: out of memory: {error}", file=sys.stderr, flush=True)
        self._device.free_caches()
        return None

    @staticmethod
    def _seed(run: Run, index: int) -> int:
        return (run.task.seed or 0) + index

    @staticmethod
    def _unexpected(error: Exception) -> BridgeError:
        traceback.print_exception(error, file=sys.stderr)
        sys.stderr.flush()
        return BridgeError(
            ErrorCode.INTERNAL,
            f"The engine met an unexpected problem: {type(error).__name__}: {error}",
            hint="The engine's log has the details.",
        )


def _chosen(pictures: Sequence[Floats] | None, offset: int) -> Floats:
    if pictures is None:
        raise RuntimeError("nothing was painted")
    return pictures[offset]
