# SPDX-License-Identifier: GPL-3.0-or-later
"""Projections under way: a job for each view, then all textures as one undo step.

What a view needs lies on the shelf before its job is sent, and until the projection is over: whichever Blender gets
the picture goes on from there.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import bpy

from .. import delivery, session
from ..jobs import Goal, JobView, Phase, Target
from ..vendored import errors, tasks
from . import shelf, taking_up
from .adapters import guide_adapters
from .course import Course, Finish
from .fitting import fit, shapes_of
from .keeping import Kept, keep, load
from .scenery import gather, take_back, targets_of, unwrap, views_of
from .stopping import Stopped, stoppable
from .surface import Texture
from .writing import Written, files_of, held_by, put

PROJECTING = "Projecting…"


def begin(context: bpy.types.Context) -> JobView:
    """Project what the panel says onto the selected meshes.

    Raises:
        BridgeError: when there is nothing to project onto or from.
    """
    chosen, settings = context.scene.latent_bridge_projection, context.scene.latent_bridge
    targets = targets_of(context)
    views = views_of(context, chosen.source, int(chosen.picture_side))
    unwrapped = [target.name for target in targets if unwrap(context, target)]
    try:
        surface, shown, wearers = gather(context, targets, int(chosen.texture_side), chosen.source)
    except errors.BridgeError:
        take_back(unwrapped)
        raise
    shapes = shapes_of(targets)
    wishes = settings.wishes(chosen.strength, images=1, seamless="none")
    guides = guide_adapters(session.current().welcome, wishes.model)
    guides = {guide: adapter for guide, adapter in guides.items() if getattr(chosen, f"by_{guide}")}
    ending = Finish(chosen.margin, chosen.fill)

    def make() -> Kept:
        course = Course(surface, [each.texture() for each in shown], views, wishes, guides, ending)
        return Kept(course, wearers, shapes, len(views))

    target = replace(delivery.here(Goal.PROJECTION), course=uuid.uuid4().hex)
    return _Projection(target, wishes.prompt or "Projection", unwrapped=unwrapped).begin(make, len(views))


def take_up(job: JobView) -> None:
    """A job of an earlier session is over; see `taking_up`. One that was never sent, or forgotten, is asked anew."""
    _Projection(job.target, job.title).advance(job, on=job.phase is not Phase.CANCELLED)


def go_on(job: JobView) -> None:
    """After it stopped; see `taking_up`."""
    session.current().described(job.id, PROJECTING, resumable=False, error="", hint="")
    _Projection(job.target, job.title, asked=True).advance(job, on=True)


def use(job: JobView) -> None:
    """Bring it home, or else into images of its own; see `taking_up`."""
    _Projection(job.target, job.title, asked=True, anywhere=True).advance(job, on=True)


@dataclass(frozen=True)
class _Step:
    """What the worker has found out.

    Attributes:
        task: for the next view; None when there is none, or it stops here.
        job_id: of the job for it.
        textures: as they are when there is no task; none when nothing was painted.
        stopped: whether views are left.
    """

    task: tasks.Generation | None = None
    job_id: str = ""
    textures: tuple[Texture, ...] = ()
    stopped: bool = False


class _Projection:
    """One press of the button. Everything here runs on the main thread but what says that it is for the worker.

    Args:
        target: with the id of the course.
        title: for people.
        asked: the user wants it to go on although it was stopped.
        anywhere: the user wants the result even if its place is gone.
        unwrapped: names of objects that were given UVs for this.
    """

    def __init__(
        self,
        target: Target,
        title: str,
        *,
        asked: bool = False,
        anywhere: bool = False,
        unwrapped: Sequence[str] = (),
    ) -> None:
        self._target = target
        self._title = title
        self._asked = asked
        self._anywhere = anywhere
        self._unwrapped = unwrapped
        self._kept: Kept | None = None
        self._stop = threading.Event()

    def begin(self, make: Callable[[], Kept], views: int) -> JobView:
        """Queue the first one of some views."""
        job_id, stop = uuid.uuid4().hex, self._stop
        job = self._submit(job_id, lambda: self._first(make, job_id, stop))
        self._number(job_id, 1, views)
        session.current().connection.in_background(self._overlaps, lambda text, _: self._warn(job_id, text))
        return job

    def _number(self, job_id: str, number: int, views: int) -> None:
        present = session.current()
        if views > 1:
            present.described(job_id, present.jobs[job_id].text, part=f"View {number} of {views}")

    def _overlaps(self) -> str:
        """For the worker: what to tell of UVs that overlap; empty for nothing."""
        kept = self._kept
        if kept is None or not kept.course.shared:
            return ""
        found = kept.course.shared
        names = sorted({name for number in found for name, _ in kept.wearers[number].slots})
        told = ", ".join(f"“{name}”" for name in names)
        return (
            f"UVs of {told} overlap on {max(found.values()):.0%} of the texture: these places show the same, painted "
            "as where it is seen best. Give them UVs or materials of their own if they shall differ."
        )

    def _warn(self, job_id: str, text: str | None) -> None:
        present = session.current()
        if text and job_id in present.jobs:
            present.described(job_id, present.jobs[job_id].text, hint=text)

    def _submit(self, job_id: str, make_task: Callable[[], tasks.Generation]) -> JobView:
        return session.current().submit(
            make_task, self._title, self._target, job_id=job_id, on_end=self._ended, on_cancel=self._stop.set
        )

    def _first(self, make: Callable[[], Kept], job_id: str, stop: threading.Event) -> tasks.Generation:
        """For the worker."""
        try:
            with stoppable(stop):
                kept = make()
                task = kept.course.next()
        except Stopped:
            raise errors.BridgeError(errors.ErrorCode.CANCELLED, "Cancelled.") from None
        if task is None:
            raise errors.BridgeError(
                errors.ErrorCode.INVALID_FIELD, "The view shows nothing to paint.", hint="Turn it to the objects."
            )
        self._kept = kept
        self._shelve(job_id)
        return task

    def _shelve(self, awaits: str) -> None:
        """For the worker."""
        self._kept.awaits = awaits
        keep(self._kept, shelf.path_of(self._target.course))

    def _ended(self, job: JobView) -> None:
        """A view's picture is here, or will not come: then what the earlier views painted is brought home."""
        if self._kept is None or (job.phase is Phase.CANCELLED and not self._kept.course.painted):
            if delivery.is_here(job.target):
                take_back(self._unwrapped)
            self._forget(job)
        else:
            self.advance(job, on=bool(job.variants))

    def _forget(self, job: JobView) -> None:
        session.current().settled(job.id)
        shelf.forget(job.target.course)

    def advance(self, job: JobView, *, on: bool) -> None:
        """Paint the picture that a job has brought, and find out what is next; without `on`, stop here."""
        self._stop = stop = threading.Event()
        present = session.current()
        present.calculating(job.id, PROJECTING, stop.set)
        present.connection.in_background(
            lambda: self._step(job, on, stop), lambda step, error: self._stepped(job, step, error), job.id
        )

    def _step(self, job: JobView, on: bool, stop: threading.Event) -> _Step:
        """For the worker."""
        if self._kept is None:
            self._kept = load(shelf.path_of(self._target.course))
        kept = self._kept
        if not kept.awaits and not self._asked:
            return _Step(stopped=True)  # it stopped in an earlier session, and what there was is in the images
        try:
            with stoppable(stop):
                if job.variants and kept.awaits == job.id:
                    kept.course.take(job.variants[0].file)
                    kept.seed, kept.recipe = job.variants[0].seed, job.variants[0].recipe
                task = kept.course.next() if on else None
                textures = kept.course.finished() if task is None and kept.course.painted else []
        except Stopped:
            return _Step(textures=tuple(kept.course.textures if kept.course.painted else ()), stopped=True)
        if task is None:
            return _Step(textures=tuple(textures), stopped=not on)
        awaits = uuid.uuid4().hex
        self._shelve(awaits)
        return _Step(task, awaits)

    def _stepped(self, job: JobView, step: _Step | None, error: errors.BridgeError | None) -> None:
        present = session.current()
        if error is not None:
            self._failed(job, error)
        elif step.task is not None and self._stop.is_set():
            self.advance(job, on=False)
        elif step.task is not None:
            former = present.jobs[job.id]
            self._target, self._stop = former.target, threading.Event()
            self._submit(step.job_id, lambda: step.task)
            present.drop(job.id)  # one entry for the whole projection
            present.described(step.job_id, present.jobs[step.job_id].text, hint=former.hint)
            self._number(step.job_id, self._kept.total - len(self._kept.course.pending) + 1, self._kept.total)
        elif step.textures:
            self._write(job, step)
        else:
            self._stopped(job)

    def _failed(self, job: JobView, error: errors.BridgeError) -> None:
        if self._anywhere and job.variants:
            taking_up.plain(job)
        elif job.variants:
            taking_up.offer(job)
        else:
            session.current().described(job.id, "", phase=Phase.FAILED, error=error.message, hint=error.hint)
            self._forget(job)

    def _stopped(self, job: JobView, where: str = "") -> None:
        """Say where, and offer to go on."""
        painted, total = self._kept.course.painted, self._kept.total
        phase = job.phase if job.phase is Phase.FAILED else Phase.CANCELLED
        text = f"Stopped after view {painted} of {total}{where}" if painted else "Stopped before the first view"
        session.current().described(job.id, text, phase=phase, variants=(), resumable=True)
        if self._kept.awaits:
            self._kept.awaits = ""
            session.current().connection.in_background(lambda: self._shelve(""), lambda *_: None)

    # The textures, as images.

    def _write(self, job: JobView, step: _Step) -> None:
        """Read what the images show by now, for the worker to put the painted texels into."""
        present, kept = session.current(), self._kept
        home = delivery.is_here(present.jobs[job.id].target) and fit(kept.wearers, kept.shapes)
        if not home and not self._anywhere:
            if step.stopped:
                self._stopped(job, "; its place is gone")
            else:
                taking_up.offer(job)
            return
        held = held_by(kept.wearers, home)
        present.described(job.id, PROJECTING)
        present.connection.in_background(
            lambda: files_of(step.textures, held),
            lambda files, error: self._failed(job, error) if error else self._deliver(job, step, home, files),
            job.id,
        )

    def _deliver(self, job: JobView, step: _Step, home: bool, files: list[Written | None]) -> None:
        present, kept = session.current(), self._kept
        kept.wearers, names = put(files, kept, self._title, home)
        where = "On " + ", ".join(f"“{name}”" for name in names) if names else "Nothing was seen"
        delivery.push_undo(f"Bridge: {self._title[:40]}")
        if step.stopped:
            self._stopped(job, f": {where[:1].lower()}{where[1:]}")
        else:
            present.described(job.id, where, phase=Phase.FINISHED, variants=(), hint=self._overlaps())
            self._forget(job)
