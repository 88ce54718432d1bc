# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on at work: jobs, and what the main thread does with what other threads left.

In a window a timer calls `drain`; in background mode whoever waits calls it. Nothing else differs.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import replace

import bpy

from . import delivery, images
from .about import CLIENT_NAME
from .connection import Answered, Connection, ConnectionChanged, Happening
from .daemon_choice import DaemonChoice
from .faults import told_of
from .happenings import after, broken, outdated
from .jobs import Goal, JobView, Phase, Target, Variant
from .journal import Entry, Journal
from .maps import asking
from .pictures import file_of, picture_of
from .projection import shelf, taking_up
from .trial import Trial
from .vendored import errors, messages, tasks
from .versions import Versions


class Session:
    """Connection and jobs of this Blender.

    Attributes:
        jobs: by id, oldest first.
        connection: to the daemon.
        state: of the connection, such as `connected`.
        error: why it is not connected.
        welcome: what the daemon said of itself.
        message: the last thing that the user should know and that belongs to no job; see `say`.
        trial: the last test of the connection, or None.
        versions: of images, as undo brings them back.
    """

    def __init__(self) -> None:
        self.journal = Journal.open()
        self.connection = Connection(f"{CLIENT_NAME} in Blender {bpy.app.version_string}", self.journal.session)
        self.jobs: dict[str, JobView] = {}
        self.state = "off"
        self.error: errors.BridgeError | None = None
        self.welcome: messages.Welcome | None = None
        self.message = ""
        self.trial: Trial | None = None
        self.versions = Versions()
        self._endings: dict[str, Callable[[JobView], None]] = {}
        self._stops: dict[str, Callable[[], None]] = {}

    def open(self) -> None:
        """Connect as the preferences say, if that has not begun; former jobs are taken up.

        Raises:
            BridgeError: see `DaemonChoice.check`.
        """
        if self.connection.opened:
            return
        choice = chosen()
        try:
            choice.check(online())
        except errors.BridgeError as refusal:
            self.error = refusal
            raise
        self.state = "connecting"
        self.connection.open(choice)
        for entry in list(self.journal.entries.values()):
            self.jobs[entry.job_id] = JobView(
                entry.job_id, entry.title, entry.target, entry.images, text="Taken up again"
            )
            self.connection.attach(entry.job_id)

    def close(self) -> None:
        """Let go of the daemon; jobs stay in the journal."""
        self.connection.close()

    # What operators ask for.

    def say(self, message: str) -> None:
        """Tell something that belongs to no job: in the Jobs panel until it is dismissed, without a window printed."""
        self.message = message
        if bpy.app.background and message:
            print(f"Latent Bridge: {message}")

    def submit(
        self,
        make_task: Callable[[], tasks.Task],
        title: str,
        target: Target,
        count: int = 1,
        *,
        on_end: Callable[[JobView], None] | None = None,
        on_cancel: Callable[[], None] | None = None,
        job_id: str = "",
        within: str = "",
    ) -> JobView:
        """Queue a job.

        Args:
            make_task: builds the task, on the worker thread: it must not touch Blender.
            title: for people; usually the prompt.
            target: where its results belong.
            count: how many images it makes.
            on_end: takes the results instead of the usual delivery, on the main thread.
            on_cancel: stops what is calculated for it on this side.
            job_id: a new one; empty to draw it here.
            within: id of the entry that it is part of; see `show`.

        Raises:
            BridgeError: see `open`.
        """
        self.open()
        job = JobView(job_id or uuid.uuid4().hex, title, target, count, within=within)
        self.jobs[job.id] = job
        if on_end is None or target.course:
            self.journal.add(Entry(job.id, title, count, target))
        if on_end is not None:
            self._endings[job.id] = on_end
        if on_cancel is not None:
            self._stops[job.id] = on_cancel
        self.connection.submit(job.id, make_task)
        self._forget_old()
        return job

    def show(self, job: JobView, on_cancel: Callable[[], None]) -> None:
        """List something of this side that is not one job, but has jobs within."""
        self.jobs[job.id] = job
        self._stops[job.id] = on_cancel

    def parts_of(self, job_id: str) -> list[JobView]:
        """The jobs within an entry."""
        return [job for job in self.jobs.values() if job.within == job_id]

    def drop(self, job_id: str) -> None:
        """Take a job off the list whose end another one tells."""
        self.jobs.pop(job_id, None)
        self.settled(job_id)

    def cancel(self, job_id: str) -> None:
        """Stop a job."""
        self._update(self.jobs[job_id].cancelling())
        self._stops.get(job_id, lambda: None)()
        self.connection.cancel(job_id)

    def dismiss(self, job_id: str) -> None:
        """Take a job that is over off the list."""
        job = self.jobs.pop(job_id, None)
        if job is not None and job.target.course and job_id in self.journal.entries:
            shelf.forget(job.target.course)
        self._stops.pop(job_id, None)
        self.journal.remove(job_id)

    def use(self, job_id: str, index: int) -> bpy.types.Image | None:
        """Put a variant where it belongs; None when the image's present state must be read first (a moment)."""
        job = self.jobs[job_id]
        variant = next(each for each in job.variants if each.index == index)
        if job.target.course:
            taking_up.use(job)
            return None
        return self._deliver(job, variant)

    # The inbox.

    def drain(self) -> bool:
        """Deal with everything that has happened; returns whether anything had."""
        happened = False
        while not self.connection.inbox.empty():
            happening = self.connection.inbox.get_nowait()
            happened = True
            try:
                self._take(happening)
            except Exception as error:  # noqa: BLE001 - Blender drops a timer that raises, and every job with it
                self._broke(happening, told_of(error))
        return happened

    def wait(self, until: Callable[[], bool], timeout: float) -> bool:
        """Drain until something is so, `timeout` seconds at most. Blocks Blender: for scripts and background mode."""
        deadline = time.monotonic() + timeout
        while not until():
            if time.monotonic() > deadline:
                return False
            if not self.drain():
                time.sleep(0.005)
        return True

    @property
    def busy(self) -> bool:
        """Whether any job is not over, or not delivered yet, or something has happened that may begin one."""
        waits = not self.connection.inbox.empty()
        return waits or any(not job.over or job.text == DELIVERING for job in self.jobs.values())

    def _take(self, happening: Happening) -> None:
        if isinstance(happening, ConnectionChanged):
            self.state, self.error = happening.state, happening.error
            self.welcome = happening.welcome or self.welcome
        elif isinstance(happening, Answered):
            happening.callback(happening.value, happening.error)
        elif happening.job_id in self.jobs:
            job, over = after(self.jobs[happening.job_id], happening)
            if over:
                self._end(job)
            else:
                self._update(job)

    def _broke(self, happening: Happening, error: errors.BridgeError) -> None:
        """Dealing with something failed: its job has, or without one the user is told."""
        job = self.jobs.get(getattr(happening, "job_id", ""))
        if job is None:
            self.say(str(error))
            return
        self._update(broken(job, error))
        if self.jobs[job.id].phase is Phase.FAILED:
            self.settled(job.id)

    def _end(self, job: JobView) -> None:
        self._update(job)
        ending = self._endings.pop(job.id, None)
        if ending is not None:
            ending(job)
        elif job.target.course:
            taking_up.ended(job)
        elif job.phase is Phase.FINISHED and not delivery.is_gone(job.target):
            self._deliver(job, job.variants[0])
        elif job.phase is Phase.FINISHED:
            self._update(replace(job, phase=Phase.CHOOSING, text=GONE))
        elif job.phase is not Phase.CHOOSING:
            self.journal.remove(job.id)

    def _update(self, job: JobView) -> None:
        self.jobs[job.id] = job

    def _forget_old(self) -> None:
        """Take the oldest off the list that the user has nothing left to do with."""
        for job_id in outdated(list(self.jobs.values())):
            self.dismiss(job_id)

    # Delivery.

    def _deliver(self, job: JobView, variant: Variant) -> bpy.types.Image | None:
        if job.target.goal is Goal.MAPS and not delivery.is_gone(job.target):
            return self._deliver_maps(job)
        if job.target.goal is not Goal.IMAGE:
            image = self._delivered(job, delivery.texture(job, variant))
            if job.target.with_maps:
                asking.ask_beside(self, image, delivery.object_of(job.target), bpy.context.scene)
            return image
        image = delivery.image_of(job.target)
        if image is None:
            made = delivery.new_image(job, variant)
            made.use_fake_user = True
            return self._delivered(job, made)
        if job.applied and self.versions.shows(image, [each.file for each in job.variants]):
            # another choice: what was before is kept already
            return self._delivered(job, self._replace(image, job, variant, None))
        packed = images.packed_file(image)
        if packed is not None:
            return self._delivered(job, self._replace(image, job, variant, packed))
        held = images.read(image)
        self._update(replace(job, text=DELIVERING))
        self.connection.in_background(
            lambda: file_of(picture_of(held)), lambda file, error: self._deliver_over(job, variant, file), job.id
        )
        return None

    def _deliver_maps(self, job: JobView) -> bpy.types.Image:
        base = delivery.image_of(job.target)
        self._update(replace(job.used(base.name, delivery.maps(job, base)), variants=()))
        self.journal.remove(job.id)
        delivery.push_undo(f"Bridge: {job.title[:40]}")
        return base

    def _deliver_over(self, job: JobView, variant: Variant, previous: bytes) -> None:
        """The second half, once what the image was has become a file."""
        image = delivery.image_of(job.target)
        if image is None:
            image = delivery.new_image(job, variant)
            image.use_fake_user = True
        else:
            self._replace(image, job, variant, previous)
        self._delivered(job, image)

    def _replace(
        self, image: bpy.types.Image, job: JobView, variant: Variant, previous: bytes | None
    ) -> bpy.types.Image:
        before = int(image.get(images.VERSION, 0))
        delivery.replacement(image, job, variant, previous)
        image[images.VERSION] = before + 1
        self.versions.note(image, previous, variant.file, before)
        return image

    def _delivered(self, job: JobView, image: bpy.types.Image) -> bpy.types.Image:
        job = job.used(image.name, f"In “{image.name}”, seed {image['seed']}")
        # Nothing is left to choose: the picture is in the image now, and need not be held twice.
        self._update(replace(job, variants=()) if job.phase is Phase.FINISHED else job)
        self.journal.remove(job.id)
        delivery.push_undo(f"Bridge: {job.title[:40]}")
        return image

    def described(self, job_id: str, text: str, **changes: object) -> None:
        """Say where a result went, or is on its way to, that is not delivered here; `changes` of its `JobView`."""
        if job_id in self.jobs:
            self._update(replace(self.jobs[job_id], text=text, **changes))

    def calculating(self, job_id: str, text: str, on_cancel: Callable[[], None]) -> None:
        """The daemon is done with a job, this side is not yet."""
        self._stops[job_id] = on_cancel
        self.described(job_id, text, phase=Phase.PLACING)

    def settled(self, job_id: str) -> None:
        """Nothing more can become of a job."""
        self._stops.pop(job_id, None)
        self.journal.remove(job_id)

    def put(self, image: bpy.types.Image, title: str, variant: Variant, previous: bytes) -> None:
        """Put a picture that belongs to no job into an image; `previous`, what it was as a PNG, is kept beside it."""
        self._replace(image, JobView("", title, delivery.here(Goal.IMAGE, image=image.name)), variant, previous)

    def apply(self, image: bpy.types.Image, title: str, variant: Variant, previous: bytes) -> None:
        """As `put`, as an undo step of its own."""
        self.put(image, title, variant, previous)
        delivery.push_undo(f"Bridge: {title[:40]}")

    def restore(self, image: bpy.types.Image) -> bool:
        """Exchange an image with its previous version; returns whether there is one."""
        previous = bpy.data.images.get(image.get(images.PREVIOUS, ""))
        was = images.packed_file(previous) if previous is not None else None
        if previous is None or was is None:
            return False
        now = images.packed_file(image)
        if now is None:  # painted on since: that is a version too
            now = file_of(picture_of(images.read(image)))
        before = int(image.get(images.VERSION, 0))
        images.exchange(image, previous)
        images.show_file(image, was)
        images.show_file(previous, now)
        self.versions.note(image, now, was, before)
        return True

    def moved(self, job_id: str, target: Target) -> None:
        """A job's results belong elsewhere now."""
        self.described(job_id, self.jobs[job_id].text, target=target)
        self.journal.move(job_id, target)


DELIVERING = "Keeping the previous version…"
GONE = "Its place is gone: use it as an image of its own"


class _Holder:
    """The one session of this Blender. Blender's own registry of add-ons has no place for an object."""

    session: Session | None = None


def current() -> Session:
    """The session; there is one as long as the add-on is switched on."""
    if _Holder.session is None:
        _Holder.session = Session()
    return _Holder.session


def present() -> Session | None:
    """The session, if there is one."""
    return _Holder.session


def end() -> None:
    """Let go of the daemon; jobs stay in the journal."""
    if _Holder.session is not None:
        _Holder.session.close()
    _Holder.session = None


def restart() -> Session:
    """A session anew: the preferences have changed, or the user has lost patience. Unfinished jobs are taken over."""
    former = present()
    end()
    made = current()
    if former is not None:
        made.versions = former.versions  # an undo may still reach back to what it did
    return made


def preferences() -> bpy.types.AddonPreferences:
    """The add-on's preferences."""
    return bpy.context.preferences.addons[__package__].preferences


def chosen() -> DaemonChoice:
    """The daemon that the preferences name."""
    settings = preferences()
    return DaemonChoice(settings.address.strip(), settings.token.strip(), bpy.path.abspath(settings.certificate))


def online() -> bool:
    """Whether Blender may use the network; one before 4.2 has no say in it."""
    return getattr(bpy.app, "online_access", True)
