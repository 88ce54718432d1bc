# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs in Blender's status bar, which is seen with every sidebar shut."""

from __future__ import annotations

import bpy

from . import session
from .progress import failure_line, progress_line

LONGEST = 120
"""Of what went wrong, characters: the whole of it stands in the Jobs panel."""


def _draw(header: bpy.types.Header, context: bpy.types.Context) -> None:
    present = session.current()
    jobs = list(present.jobs.values())
    failure, progress = failure_line(jobs, present.message), progress_line(jobs)
    row = header.layout.row()
    if failure:
        row.label(text=failure if len(failure) <= LONGEST else f"{failure[: LONGEST - 1]}…", icon="ERROR")
    if progress:
        row.label(text=progress, icon="RENDER_ANIMATION")


def register() -> None:
    """Let it be drawn at the end of the status bar."""
    bpy.types.STATUSBAR_HT_header.append(_draw)


def unregister() -> None:
    """No more."""
    bpy.types.STATUSBAR_HT_header.remove(_draw)
