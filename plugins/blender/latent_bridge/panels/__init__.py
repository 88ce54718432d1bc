# SPDX-License-Identifier: GPL-3.0-or-later
"""The Bridge tab in the sidebars of 3D View, Shader Editor and Image Editor."""

from . import generate, image, jobs, render, thumbnails

PARTS = (thumbnails, generate, jobs, image, render)


def register() -> None:
    """Register every panel."""
    for part in PARTS:
        part.register()


def unregister() -> None:
    """Take them away, last first."""
    for part in reversed(PARTS):
        part.unregister()
