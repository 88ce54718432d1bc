# SPDX-License-Identifier: GPL-3.0-or-later
"""Around a render: the GPU is lent to Blender before, asked back after, and what was rendered may be sent on.

In a window Blender calls these on its render thread: they touch no data, and leave the rest to the inbox.
"""

from __future__ import annotations

import bpy

from . import animation, render_pass, session
from .connection import Answered
from .frames import Frame
from .vendored import errors

LONGEST_WAIT = 60.0
"""Seconds that a render waits for the job that runs."""
LONGEST_CONNECTING = 5.0
"""Seconds that a render without a window waits for the daemon."""


class _Render:
    """The render under way.

    Attributes:
        frames: files written so far, when it is an animation.
        lent: whether the daemon gave its device.
    """

    frames: list[Frame] = []
    lent: bool = False


@bpy.app.handlers.persistent
def _begins(scene: bpy.types.Scene, *_: object) -> None:
    _Render.frames = []
    preferences, present = session.preferences(), session.current()
    if not preferences.lend_for_render:
        return
    if bpy.app.background:
        _connect(present)
    if present.state != "connected":
        return
    seconds, longest = preferences.lend_minutes * 60, LONGEST_WAIT
    try:
        present.connection.ask_and_wait(lambda bridge: bridge.lend(seconds, timeout=longest))
        _Render.lent = True
    except errors.BridgeError as error:
        # The loan may have begun all the same, and would keep every job waiting until it ends by itself.
        _ask_back(present)
        present.say(f"The GPU was not freed for this render. {error}")


def _connect(present: session.Session) -> None:
    """Nothing has connected yet where there is no window, and nobody else drains the inbox."""
    try:
        present.open()
    except errors.BridgeError as error:
        present.say(f"The GPU was not freed for this render. {error}")
        return
    if not present.wait(lambda: present.state == "connected" or present.error is not None, LONGEST_CONNECTING):
        present.say("The GPU was not freed for this render: no daemon answered.")
    elif present.state != "connected":
        present.say(f"The GPU was not freed for this render. {present.error}")


@bpy.app.handlers.persistent
def _frame_written(scene: bpy.types.Scene, *_: object) -> None:
    _Render.frames.append(animation.frame_at(scene, scene.frame_current))


@bpy.app.handlers.persistent
def _ends(scene: bpy.types.Scene, *_: object) -> None:
    _give_back()
    if not scene.latent_bridge.render_after:
        return
    frames, name = list(_Render.frames), scene.name

    def send(*_: object) -> None:
        found = bpy.data.scenes.get(name)
        if found is None:
            return
        try:
            if frames:
                animation.restyle(found, frames)
            else:
                render_pass.restyle_still(found)
        except errors.BridgeError as error:
            session.current().say(str(error))

    session.current().connection.inbox.put(Answered(send))


@bpy.app.handlers.persistent
def _cancelled(*_: object) -> None:
    _give_back()


def _give_back() -> None:
    if _Render.lent:
        _Render.lent = False
        _ask_back(session.current())


def _ask_back(present: session.Session) -> None:
    present.connection.ask(lambda bridge: bridge.lend(0), lambda value, error: None)


def _hooks() -> tuple[tuple[list, object], ...]:
    every = bpy.app.handlers
    return (
        (every.render_init, _begins),
        (every.render_write, _frame_written),
        (every.render_complete, _ends),
        (every.render_cancel, _cancelled),
    )


def register() -> None:
    """Let Blender call."""
    for handlers, function in _hooks():
        handlers.append(function)


def unregister() -> None:
    """No more."""
    for handlers, function in _hooks():
        if function in handlers:
            handlers.remove(function)
