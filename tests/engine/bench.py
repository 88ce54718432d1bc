"""An engine without its process: jobs run on the spot, and what it would have said is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bridge.engine.cancellation import AbortFlag
from bridge.engine.conversion import channels_of
from bridge.engine.device import choose_device
from bridge.engine.faults import FaultHook, no_faults
from bridge.engine.models.shelf import ModelShelf
from bridge.engine.runner import Runner
from bridge.protocol.engine_link import (
    AdapterSource,
    Ended,
    LinkMessage,
    ModelSource,
    Noticed,
    Previewed,
    Produced,
    Progressed,
    Run,
)
from bridge.protocol.errors import ErrorCode
from bridge.protocol.pixels import ColourSpace, Picture, PixelFormat
from bridge.protocol.tasks import Generation, Layer


@dataclass
class Outcome:
    """What an engine said about one job."""

    messages: list[LinkMessage] = field(default_factory=list)

    @property
    def ended(self) -> Ended:
        ends = [message for message in self.messages if isinstance(message, Ended)]
        assert len(ends) == 1, "a job ends exactly once"
        assert self.messages[-1] is ends[0]
        return ends[0]

    @property
    def layers(self) -> list[Layer]:
        assert self.ended.error is None, self.ended.error
        return [message.layer for message in self.messages if isinstance(message, Produced)]

    @property
    def layer(self) -> Layer:
        (only,) = self.layers
        return only

    @property
    def error(self) -> ErrorCode:
        assert self.ended.error is not None
        return self.ended.error.code

    @property
    def stages(self) -> list[str]:
        """Stages in order, repetitions left out."""
        named = [message.stage for message in self.messages if isinstance(message, Progressed)]
        return [stage for n, stage in enumerate(named) if n == 0 or named[n - 1] != stage]

    @property
    def notices(self) -> list[str]:
        return [message.notice.message for message in self.messages if isinstance(message, Noticed)]

    @property
    def previews(self) -> list[Previewed]:
        return [message for message in self.messages if isinstance(message, Previewed)]


class Bench:
    """Runs jobs on a CPU device, one engine for all of them."""

    def __init__(self, models: dict[str, Path], faults: FaultHook = no_faults, budget: int | None = None) -> None:
        self.models = models
        self.device = choose_device("cpu")
        self.shelf = ModelShelf(self.device, budget)
        self._faults = faults

    def source(self, model: str, native_size: int = 64) -> ModelSource:
        return ModelSource(
            id=model,
            location=str(self.models.get(model, model)),
            native_size=native_size,
            size_multiple=8,
            steps=3,
            guidance_scale=4.0,
        )

    def run(
        self,
        task: Generation,
        model: str = "sd",
        *,
        preview_side: int = 0,
        first_image: int = 0,
        abort: AbortFlag | None = None,
        heard: Callable[[LinkMessage], None] | None = None,
        faults: FaultHook | None = None,
        native_size: int = 64,
        adapters: tuple[AdapterSource, ...] = (),
    ) -> Outcome:
        outcome = Outcome()

        def send(message: LinkMessage) -> None:
            outcome.messages.append(message)
            if heard is not None:
                heard(message)

        runner = Runner(self.device, self.shelf, send, faults or self._faults)
        order = Run(
            job_id="job",
            task=task,
            model=self.source(model, native_size),
            preview_side=preview_side,
            first_image=first_image,
            adapters=adapters,
        )
        runner.run(order, abort or AbortFlag())
        return outcome


def pixels(picture: Picture) -> np.ndarray:
    """The channels of a picture, (height, width, channels)."""
    return channels_of(picture)


def random_picture(
    width: int, height: int, pixel_format: PixelFormat = PixelFormat.RGBA8, *, seed: int = 0, opaque: bool = True
) -> Picture:
    """Smooth colours with some grain, in any format."""
    rng = np.random.default_rng(seed)
    shape = (height, width, pixel_format.channels)
    waves = np.sin(np.mgrid[0:height, 0:width].sum(0) / 9)[..., None] * 0.3 + 0.5
    values = np.clip(waves + rng.normal(0, 0.1, shape), 0, 1)
    if pixel_format.has_alpha and opaque:
        values[..., -1] = 1
    if pixel_format.is_float:
        data = values.astype("<f2" if pixel_format.bytes_per_channel == 2 else "<f4")
    elif pixel_format.bytes_per_channel == 1:
        data = np.rint(values * 255).astype("u1")
    else:
        data = np.rint(values * 65535).astype("<u2")
    return Picture(width, height, pixel_format, data.tobytes(), ColourSpace.SRGB)


def mask_picture(width: int, height: int, *boxes: tuple[int, int, int, int], value: int = 255) -> Picture:
    """A mask with boxes (x, y, width, height) selected."""
    mask = np.zeros((height, width), np.uint8)
    for x, y, w, h in boxes:
        mask[y : y + h, x : x + w] = value
    return Picture(width, height, PixelFormat.GRAY8, mask.tobytes())
