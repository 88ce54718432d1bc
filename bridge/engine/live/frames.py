"""Making one frame of a live canvas."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from bridge.engine.adapters.job_adapters import JobAdapters
from bridge.engine.cancellation import AbortFlag, JobAborted
from bridge.engine.conversion import Floats
from bridge.engine.device import Device
from bridge.engine.faults import FaultHook, no_faults
from bridge.engine.models.loading import LoadedModel
from bridge.engine.models.shelf import ModelShelf
from bridge.engine.painter import Painter
from bridge.engine.plan import Placed, Plan
from bridge.engine.planning import sizing_of
from bridge.engine.prompting.job_prompts import JobPrompts
from bridge.engine.prompting.reading import reading_of
from bridge.engine.settings import Settings
from bridge.engine.stages import Stages
from bridge.engine.unexpected import explained
from bridge.protocol.engine_link import Ended, Framed, LinkMessage, Progressed, Tick
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.messages import ErrorInfo
from bridge.protocol.tasks import Inpaint

from .clock import StageClock
from .last_texts import LastTexts
from .seeing import seen, seen_mask, shown


class FrameMaker:
    """Makes frames, on the thread that owns the device."""

    def __init__(
        self, device: Device, shelf: ModelShelf, send: Callable[[LinkMessage], None], faults: FaultHook = no_faults
    ) -> None:
        self._device = device
        self._shelf = shelf
        self._send = send
        self._faults = faults
        self._texts = LastTexts()
        self._free = time.time()

    def free_now(self) -> None:
        """Something else that used the device is over."""
        self._free = time.time()

    def make(self, tick: Tick, abort: AbortFlag) -> None:
        """Make a frame. Sends `Framed` if it comes so far, and one `Ended`; raises nothing that a frame can cause."""
        clock = StageClock(time.time, self._free)
        stages = Stages(tick.job_id, _only_loading(self._send, clock), abort, self._faults)
        cancelled, error = False, None
        try:
            self._make(tick, stages, clock)
        except JobAborted:
            cancelled = True
        except BridgeError as known:
            error = ErrorInfo.of(known)
        # The engine outlives whatever a model or a library comes up with; the daemon gets its name, the log the rest.
        except Exception as unexpected:  # noqa: BLE001 - see above
            error = ErrorInfo.of(explained(unexpected, self._device))
        self.free_now()
        self._send(Ended(job_id=tick.job_id, cancelled=cancelled, error=error, timings=stages.timings()))

    def _make(self, tick: Tick, stages: Stages, clock: StageClock) -> None:
        stages.check()
        if not self._shelf.holds(tick.model):
            stages.enter("loading")
        model = self._shelf.get(tick.model, stages.check)
        settings = Settings.of(tick.task, model)
        model.schedulers.check_steps(settings.scheduler, settings.steps)
        prompts = JobPrompts(tick.task, reading_of(model.base), stages.notice).together(0, 1)
        plan = _plan(tick, model)
        with JobAdapters.of(tick.task, tick.adapters, model).acting(plan, prompts[0]) as guided, torch.inference_mode():
            texts = self._texts.of(model, guided.pipe, prompts[0], (tick.task.loras, tick.adapters))
            settings = replace(settings, prompts=tuple(prompts), texts=texts)
            (picture,) = Painter(model, settings, [tick.task.seed or 0], stages).paint(plan, guided)
        decoded = time.time()
        alpha = None if plan.change is None else plan.change
        pictures = tuple(shown(picture, alpha, side) for side in tick.sides)
        self._send(Framed(job_id=tick.job_id, pictures=pictures, stamps=clock.stamps(decoded)))


def _plan(tick: Tick, model: LoadedModel) -> Plan:
    """Everything at once at the size that the daemon chose: no crops, no tiles, no second pass."""
    sizing = sizing_of(model)
    width, height = sizing.up(tick.width), sizing.up(tick.height)
    masked = isinstance(tick.task, Inpaint)
    change = seen_mask(tick.task.mask, width, height) if isinstance(tick.task, Inpaint) else None
    if model.is_inpaint_model and change is None:
        change = np.ones((height, width), np.float32)
    return Plan(
        "inpaint" if model.is_inpaint_model else "image-to-image",
        width,
        height,
        _never_finished,
        start=seen(tick.task.image, width, height),
        strength=tick.task.strength,
        change=change if masked or model.is_inpaint_model else None,
    )


def _never_finished(_: Floats) -> Placed:
    raise BridgeError(ErrorCode.INTERNAL, "A frame is shown as it was painted.")


def _only_loading(send: Callable[[LinkMessage], None], clock: StageClock) -> Callable[[LinkMessage], None]:
    """Of a frame's course only that its model is being loaded is worth a message."""

    def told(message: LinkMessage) -> None:
        if isinstance(message, Progressed):
            clock.entered(message.stage)
            if message.stage != "loading":
                return
        send(message)

    return told
