# SPDX-License-Identifier: GPL-3.0-or-later
"""What the buttons do, one file for each kind."""

from . import daemon, image, jobs, render, select_box, texture

PARTS = (daemon, texture, image, select_box, jobs, render)


def register() -> None:
    """Register every operator."""
    for part in PARTS:
        part.register()


def unregister() -> None:
    """Take them away, last first."""
    for part in reversed(PARTS):
        part.unregister()
