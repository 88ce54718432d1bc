# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures for panels: Blender's icons made of a job's previews and variants."""

from __future__ import annotations

import bpy
import bpy.utils.previews

from .. import session
from ..floats import icon_floats
from ..vendored import pixels

SWEEP_SECONDS = 5.0
"""Between looks for icons that nothing shows any more."""


class _Icons:
    """Blender's collection of icons, and which picture each one shows, by job and what it is of it."""

    collection: bpy.utils.previews.ImagePreviewCollection | None = None
    shown: dict[tuple[str, str], pixels.Picture] = {}


def icon(job_id: str, what: str, picture: pixels.Picture) -> int:
    """The icon that shows an rgb8 or rgba8 picture of a job; it is exchanged when its picture is another."""
    collection, name = _Icons.collection, f"{job_id} {what}"
    entry = collection.get(name) or collection.new(name)
    if _Icons.shown.get((job_id, what)) is not picture:
        _Icons.shown[job_id, what] = picture
        entry.image_size = (picture.width, picture.height)
        entry.image_pixels_float.foreach_set(icon_floats(picture))
    return entry.icon_id


def sweep() -> float:
    """Free the icons of jobs that are not listed any more; returns seconds until the next time.

    A while later than the jobs went: a panel that is not drawn anew yet would show an icon that is gone.
    """
    jobs = session.current().jobs
    for job_id, what in [key for key in _Icons.shown if key[0] not in jobs]:
        del _Icons.collection[f"{job_id} {what}"]
        del _Icons.shown[job_id, what]
    return SWEEP_SECONDS


def register() -> None:
    """Make the collection; background mode draws nothing."""
    _Icons.collection = bpy.utils.previews.new()
    if not bpy.app.background:  # see `ticking.register`
        bpy.app.timers.register(sweep, first_interval=SWEEP_SECONDS, persistent=True)


def unregister() -> None:
    """Free it."""
    if bpy.app.timers.is_registered(sweep):
        bpy.app.timers.unregister(sweep)
    bpy.utils.previews.remove(_Icons.collection)
    _Icons.collection, _Icons.shown = None, {}
