# SPDX-License-Identifier: GPL-3.0-or-later
"""Projections that an earlier Blender began, that stopped, or whose place was gone when they ended.

Nothing here needs numpy as it is loaded; a Blender without it offers the picture of the view as a plain image.
"""

from __future__ import annotations

import bpy

from .. import delivery, session
from ..jobs import JobView, Phase
from ..pictures import find_numpy
from . import shelf


def ended(job: JobView) -> None:
    """The daemon is done with the picture of a view that an earlier session asked for."""
    if find_numpy() is None:
        offer(job)
        return
    from . import work  # needs numpy

    work.take_up(job)


def go_on(job: JobView) -> None:
    """The user wants the views that are left."""
    from . import work  # needs numpy, which has begun it

    work.go_on(job)


def use(job: JobView) -> None:
    """The user wants the result, though its place may be gone."""
    if find_numpy() is None:
        plain(job)
        return
    from . import work  # needs numpy

    work.use(job)


def offer(job: JobView) -> None:
    """What was made has no place, but it is not lost."""
    changes = {"phase": Phase.CHOOSING} if job.variants else {"phase": job.phase, "resumable": True}
    session.current().described(job.id, session.GONE, **changes)


def plain(job: JobView) -> bpy.types.Image:
    """The picture of the view itself as an image; its projection is over."""
    image = delivery.new_image(job, job.variants[0])
    image.use_fake_user = True
    present = session.current()
    present.described(job.id, f"In “{image.name}”", phase=Phase.FINISHED, applied=image.name, variants=())
    present.settled(job.id)
    shelf.forget(job.target.course)
    delivery.push_undo(f"Bridge: {job.title[:40]}")
    return image
