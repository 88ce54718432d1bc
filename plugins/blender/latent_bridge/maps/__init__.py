# SPDX-License-Identifier: GPL-3.0-or-later
"""The other maps of a material, estimated by the daemon from its base colour, and wired beside it.

operators.py   the button                                bpy
panel.py       where it is                               bpy
properties.py  what the panel holds                      bpy
asking.py      the job                                   bpy
arriving.py    its results as images                     bpy
wiring.py      those images in a material                bpy
"""


def register() -> None:
    """Register settings, operators and the panel."""
    from . import operators, panel, properties

    for part in (properties, operators, panel):
        part.register()


def unregister() -> None:
    """Take them away."""
    from . import operators, panel, properties

    for part in (panel, operators, properties):
        part.unregister()
