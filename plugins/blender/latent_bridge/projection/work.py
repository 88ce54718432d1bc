# SPDX-License-Identifier: GPL-3.0-or-later
"""Projections under way: a job for each view, then all textures as one undo step."""

from __future__ import annotations

import array
from dataclasses import replace

import bpy
import numpy as np

from .. import delivery, images, materials, session
from ..jobs import Goal, JobView, Variant
from ..pictures import HostPixels, picture_of, png
from ..vendored import errors, tasks
from .adapters import depth_adapter
from .course import Course, Finish
from .scenery import Wearer, gather, targets_of, unwrap, views_of


def begin(context: bpy.types.Context) -> JobView:
    """Project what the panel says onto the selected meshes.

    Raises:
        BridgeError: when there is nothing to project onto or from.
    """
    chosen, settings = context.scene.latent_bridge_projection, context.scene.latent_bridge
    targets = targets_of(context)
    views = views_of(context, chosen.source, int(chosen.picture_side))
    for target in targets:
        unwrap(context, target)
    surface, textures, wearers = gather(context, targets, int(chosen.texture_side))
    wishes = settings.wishes(chosen.strength, images=1, seamless="none")
    adapter = depth_adapter(session.current().welcome, wishes.model)
    ending = Finish(chosen.margin, chosen.fill)
    make = lambda: Course(surface, textures, views, wishes, adapter, ending)  # noqa: E731 - runs on the worker
    return _Projection(make, wearers, wishes.prompt or "Projection", len(views)).begin()


class _Projection:
    """One press of the button. Everything here runs on the main thread but what is given to `in_background`."""

    def __init__(self, make: object, wearers: list[Wearer], title: str, views: int) -> None:
        self._make = make
        self._course: Course | None = None
        self._wearers = wearers
        self._title = title
        self._views = views
        self._home = delivery.here(Goal.RENDER)
        self._last: Variant | None = None

    def begin(self) -> JobView:
        return self._submit(self._first)

    def _first(self) -> tasks.Generation:
        self._course = self._make()
        task = self._course.next()
        if task is None:
            raise errors.BridgeError(
                errors.ErrorCode.INVALID_FIELD, "The view shows nothing to paint.", hint="Turn it to the objects."
            )
        return task

    def _submit(self, make_task: object) -> JobView:
        return session.current().submit(make_task, self._title, self._home, on_end=self._ended)

    def _ended(self, job: JobView) -> None:
        """A view's picture is here, or will not come: then what the earlier views painted is kept."""
        course = self._course
        if course is None or (not job.variants and not course.painted):
            return
        variant = job.variants[0] if job.variants else None
        self._last = variant or self._last

        def step() -> tasks.Generation | None:
            task = None
            if variant is not None:
                course.take(variant.file)
                task = course.next()
            if task is None:
                course.finish()
            return task

        if variant is not None:
            session.current().described(job.id, session.PROJECTING)
        session.current().connection.in_background(step, lambda task, error: self._stepped(job, task, error))

    def _stepped(self, job: JobView, task: tasks.Generation | None, error: errors.BridgeError | None) -> None:
        if error is not None:
            session.current().described(job.id, str(error))
        elif task is not None:
            session.current().described(job.id, f"View {self._course.painted} of {self._views} projected")
            self._submit(lambda: task)
        else:
            self._write(job)

    # The textures, as images.

    def _write(self, job: JobView) -> None:
        """Read what the images show by now, for the worker to put the painted texels into."""
        here = delivery.is_here(self._home)
        now = []
        for wearer in self._wearers:
            image = bpy.data.images.get(wearer.image) if wearer.image and here else None
            now.append(images.read(image) if image is not None else None)
        session.current().described(job.id, session.PROJECTING)
        session.current().connection.in_background(
            lambda: [_files(texture, held) for texture, held in zip(self._course.textures, now, strict=True)],
            lambda files, error: self._deliver(job, files),
        )

    def _deliver(self, job: JobView, files: list[tuple[bytes | None, bytes] | None]) -> None:
        present, names = session.current(), []
        for wearer, texture, file in zip(self._wearers, self._course.textures, files, strict=True):
            if file is None:
                continue
            height, width = texture.known.shape
            variant = replace(self._last, file=file[1], width=width, height=height, thumbnail=None)
            image = bpy.data.images.get(wearer.image) if wearer.image and file[0] is not None else None
            if image is None:
                image = self._new_image(wearer, variant)
            else:
                present.put(image, self._title, variant, file[0])
            names.append(image.name)
        present.described(job.id, "On " + ", ".join(f"“{name}”" for name in names) if names else "Nothing was seen")
        delivery.push_undo(f"Bridge: {self._title[:40]}")

    def _new_image(self, wearer: Wearer, variant: Variant) -> bpy.types.Image:
        """An image in the materials of its wearers; a plain one when they are gone."""
        image = images.new(self._title[: delivery.NAME_LENGTH], variant)
        images.note(image, self._title, variant)
        here = delivery.is_here(self._home)
        found = [(bpy.data.objects.get(name), slot) for name, slot in wearer.slots] if here else []
        for target, slot in found:
            if target is not None and not wearer.image:
                materials.wire_base_colour(materials.slot_material(target, slot), image)
        image.use_fake_user = not image.users
        return image


def _files(texture: object, held: HostPixels | None) -> tuple[bytes | None, bytes] | None:
    """The image before, when there was one, and after, as PNG files; None when nothing of it changed."""
    if not texture.changed.any():
        return None
    height, width = texture.known.shape
    painted = np.round(np.clip(texture.pixels, 0, 255)).astype(np.float32) / np.float32(255)
    previous = None
    if held is not None and (held.width, held.height) == (width, height):
        now = np.frombuffer(held.values, dtype=np.float32).reshape(height, width, 4)
        painted = np.where(texture.changed[..., None], painted, now)
        previous = png(picture_of(held))
    after = HostPixels(width, height, array.array("f", painted.astype(np.float32).tobytes()))
    return previous, png(picture_of(after))
