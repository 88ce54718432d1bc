# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as canvases that other programs share, and what a model makes of them while they are painted.

sharing.py     all shared images, and the timer           bpy
share.py       one image and its canvas                   bpy
opening.py     canvases that other programs have made     bpy
preview.py     live frames, in an image beside it         bpy
applying.py    a frame put into the image                 bpy
buffer.py      pixels compared and exchanged              pure
"""


def register() -> None:
    """Register operators and panels, and take up what the open file shares."""
    from . import operators, panel, sharing

    for part in (sharing, operators, panel):
        part.register()


def unregister() -> None:
    """Let go of every canvas."""
    from . import operators, panel, sharing

    for part in (panel, operators, sharing):
        part.unregister()
