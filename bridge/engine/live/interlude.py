"""Live frames in the middle of a job, between two of its steps: when both models fit and neither disturbs the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from bridge.engine.denoiser import denoiser_of
from bridge.engine.link import Frame
from bridge.engine.models.loading import LoadedModel
from bridge.engine.models.shelf import ModelShelf
from bridge.engine.picture_start import REPLACED

from .frames import FrameMaker


class Frames(Protocol):
    """Where frames wait."""

    def waiting_frame(self) -> Frame | None:
        """The frame that is waiting to be made, which stays where it is."""

    def take_frame(self) -> Frame | None:
        """The frame that was waiting, to be made now."""


class Interlude:
    """Called between two steps of a job; makes the frames that wait, if that can be."""

    def __init__(self, frames: Frames, maker: FrameMaker, shelf: ModelShelf) -> None:
        self._frames = frames
        self._maker = maker
        self._shelf = shelf

    def __call__(self, model: LoadedModel | None = None, *, guided: bool = False) -> bool:
        """Make frames; returns whether any was made.

        Args:
            model: of the job, None for one that needs none.
            guided: whether pictures guide the job, for which networks may have been changed.
        """
        made = False
        while (frame := self._frames.waiting_frame()) is not None and self._possible(frame, model, guided):
            self._frames.take_frame()
            self._maker.free_now()  # for as long as it takes: the job has just done a step
            with _as_they_were(model.pipelines if model is not None else ()):
                self._maker.make(frame.tick, frame.abort)
            made = True
        return made

    def _possible(self, frame: Frame, model: LoadedModel | None, guided: bool) -> bool:
        wanted = frame.tick.model
        if model is None:
            return True
        if wanted.location == model.source.location:
            return not guided and not _is_altered(model)
        return self._shelf.has_room_for(wanted, beside=model.source)


def _is_altered(model: LoadedModel) -> bool:
    """Whether the networks do something else than they were trained for, as for tiles, seamless sides or LoRAs."""
    denoiser = denoiser_of(model.base)
    return (
        model.loras.acting
        or "forward" in vars(denoiser)
        or any("_conv_forward" in vars(module) for module in denoiser.modules())
    )


@contextmanager
def _as_they_were(pipelines: Iterable[Any]) -> Iterator[None]:
    """Pipelines keep the course of a call in their attributes: have those of the interrupted call again afterwards.

    Meanwhile their methods are their own.
    """
    saved: list[tuple[Any, dict[str, Any]]] = [(pipe, dict(vars(pipe))) for pipe in pipelines]
    try:
        for pipe, _ in saved:
            for name in REPLACED:
                vars(pipe).pop(name, None)
        yield
    finally:
        for pipe, attributes in saved:
            vars(pipe).clear()
            vars(pipe).update(attributes)
