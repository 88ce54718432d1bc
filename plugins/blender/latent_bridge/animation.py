# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames of an animation through image-to-image: files beside those that were rendered, as one entry in Jobs."""

from __future__ import annotations

import functools
import uuid
from pathlib import Path

import bpy

from . import delivery, images, requests, session
from .frames import Frame, FrameFeed
from .jobs import Goal, JobView, Phase
from .pictures import picture_of
from .render_pass import read_file
from .vendored import errors


class _Holder:
    """The animation that was begun last; frames of a render that goes on belong to it."""

    animation: Animation | None = None


def restyle(scene: bpy.types.Scene, frames: list[Frame]) -> int:
    """Queue files that were rendered; all get the same seed. Returns how many there are.

    Raises:
        BridgeError: see `Session.open`; `invalid_field` when the output is a movie.
    """
    _refuse_movie(scene)
    present = session.current()
    present.open()
    under_way = _Holder.animation
    if under_way is None or under_way.over or under_way.present is not present:
        wishes = scene.latent_bridge.wishes(scene.latent_bridge.render_strength, images=1, seamless="none")
        under_way = _Holder.animation = Animation(present, wishes)
    under_way.add(frames)
    return len(frames)


def carry_over() -> None:
    """There is a new session: let it have the frames that the former one did not get back."""
    former, present = _Holder.animation, session.current()
    if former is not None and former.left and former.present is not present:
        _Holder.animation = Animation(present, former.wishes)
        _Holder.animation.add(former.left)


def rendered_frames(scene: bpy.types.Scene) -> list[Frame]:
    """The files of the scene's frame range that exist.

    Raises:
        BridgeError: `invalid_field` when the output is a movie.
    """
    _refuse_movie(scene)
    numbers = range(scene.frame_start, scene.frame_end + 1, scene.frame_step)
    frames = [frame_at(scene, number) for number in numbers]
    return [frame for frame in frames if frame.source.is_file()]


def frame_at(scene: bpy.types.Scene, number: int) -> Frame:
    """Where Blender puts a frame."""
    return Frame(number, Path(bpy.path.abspath(scene.render.frame_path(frame=number))))


def _refuse_movie(scene: bpy.types.Scene) -> None:
    if scene.render.is_movie_format:
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD,
            "The output is a movie; only frames in files of their own can be sent.",
            hint="Choose PNG or OpenEXR in Output Properties, and render again.",
        )


class Animation:
    """Frames under way, and what all of them share.

    Args:
        present: the session that they are sent in.
        wishes: prompt, seed and the like.

    Attributes:
        id: of its entry in the session's jobs.
    """

    def __init__(self, present: session.Session, wishes: requests.Wishes) -> None:
        self.id = uuid.uuid4().hex
        self.present = present
        self.wishes = wishes
        self._feed = FrameFeed(self._begin, self._refused)
        self._writing = 0
        self._done = 0
        self._folder = ""

    @property
    def left(self) -> list[Frame]:
        """Frames that were not brought back."""
        return self._feed.left

    @property
    def over(self) -> bool:
        """Whether nothing more happens."""
        return not self._feed.left and not self._writing

    def add(self, frames: list[Frame]) -> None:
        """Send more frames."""
        if self.id not in self.present.jobs:
            title = self.wishes.prompt or "Animation"
            entry = JobView(self.id, title, delivery.here(Goal.RENDER), phase=Phase.RUNNING, text="Frames are sent…")
            self.present.show(entry, self.stop)
        self._feed.add(frames)
        self._tell()

    def stop(self) -> None:
        """Send no more, and stop those that are with the daemon."""
        self._feed.stop()
        for part in self.present.parts_of(self.id):
            self.present.cancel(part.id)
        self._tell()

    def _begin(self, frame: Frame) -> None:
        held, wishes = read_file(frame.source), self.wishes
        self.present.submit(
            lambda: requests.edit(wishes, picture_of(held)),
            f"Frame {frame.number}",
            delivery.here(Goal.RENDER, frame=frame.number),
            on_end=functools.partial(self._ended, frame),
            within=self.id,
        )

    def _ended(self, frame: Frame, job: JobView) -> None:
        self._feed.ended(frame)
        if job.variants:
            file = job.variants[0].file
            path = frame.result(".exr" if file.startswith(images.EXR) else ".png")
            self._writing += 1
            self.present.connection.in_background(
                functools.partial(_write, path, file), functools.partial(self._written, frame, path)
            )
        elif job.phase is Phase.FAILED:
            self._note(f"Frame {frame.number}: {job.error}", job.hint)
        self.present.drop(job.id)
        self._tell()

    def _written(self, frame: Frame, path: Path, _: object, error: errors.BridgeError | None) -> None:
        self._writing -= 1
        if error is not None:
            self._refused(frame, error)
        else:
            self._done, self._folder = self._done + 1, str(path.parent)
        self._tell()

    def _refused(self, frame: Frame, error: errors.BridgeError) -> None:
        self._note(f"Frame {frame.number}: {error.message}", error.hint)

    def _note(self, error: str, hint: str) -> None:
        job = self.present.jobs.get(self.id)
        if job is not None:
            self.present.described(self.id, job.text, error=error, hint=hint)

    def _tell(self) -> None:
        """How far it is, in its entry."""
        job, total = self.present.jobs.get(self.id), self._feed.total
        if job is None:
            return
        share = self._done / max(total, 1)
        if not self.over:
            text = job.text if job.phase is Phase.CANCELLING else f"{self._done} of {total} frames are done"
            self.present.described(self.id, text, fraction=share, images=total)
            return
        place = f" in {self._folder}" if self._done else ""
        text, phase = f"{self._done} of {total} frames{place}", Phase.FINISHED
        if job.phase in (Phase.CANCELLING, Phase.CANCELLED):
            text, phase = f"Stopped: {text}", Phase.CANCELLED
        elif not self._done:
            phase = Phase.FAILED
        self.present.described(self.id, text, fraction=share, images=total, phase=phase)


def _write(path: Path, file: bytes) -> None:
    """For the worker."""
    try:
        path.write_bytes(file)
    except OSError as error:
        raise errors.BridgeError(
            errors.ErrorCode.INVALID_FIELD, f"{path} cannot be written: {error.strerror}."
        ) from error
