# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender calls of the session: a timer in a window, and its handlers of undo, save and load."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import bpy

from . import delivery, open_file, session
from .vendored import errors

BUSY_SECONDS, IDLE_SECONDS = 0.05, 0.25
"""Between looks at the inbox."""


def tick() -> float | None:
    """Drain the inbox, let it be seen, and say when to come back, in seconds."""
    present = session.present()
    if present is None:
        return None
    if present.drain():
        delivery.redraw()
        # The status bar is in no list of areas; it is drawn anew when it hears of another view layer.
        bpy.msgbus.publish_rna(key=(bpy.types.Window, "view_layer"))
    return BUSY_SECONDS if any(not job.over for job in present.jobs.values()) else IDLE_SECONDS


@bpy.app.handlers.persistent
def _undone(*_: object) -> None:
    if (present := session.present()) is not None:
        present.versions.undone()


@bpy.app.handlers.persistent
def _saved(*_: object) -> None:
    """The file has a path now: jobs for it find it after a restart too."""
    present = session.present()
    for job in list(present.jobs.values()) if present is not None else ():
        if job.target.file == open_file.identity():
            present.moved(job.id, replace(job.target, blend=bpy.data.filepath))


@bpy.app.handlers.persistent
def _loaded(*_: object) -> None:
    if (present := session.present()) is not None:
        present.versions.forget()


def _handlers() -> tuple[tuple[list, Callable], ...]:
    every = bpy.app.handlers
    return (
        (every.undo_post, _undone),
        (every.redo_post, _undone),
        (every.save_post, _saved),
        (every.load_post, _loaded),
    )


def register() -> None:
    """In a window, connect and begin to look at the inbox."""
    for handlers, function in _handlers():
        handlers.append(function)
    present = session.current()
    if bpy.app.background:
        return  # a timer would never fire, and one that is pending when the interpreter ends crashes some versions
    bpy.app.timers.register(tick, first_interval=IDLE_SECONDS, persistent=True)
    with suppress(errors.BridgeError):  # the session tells it
        present.open()


def unregister() -> None:
    """Let go of the daemon and of everything that Blender would call."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    for handlers, function in _handlers():
        if function in handlers:
            handlers.remove(function)
    session.end()
