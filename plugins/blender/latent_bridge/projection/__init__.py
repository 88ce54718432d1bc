# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures projected onto meshes, from one view or from several that continue each other.

operators.py   the buttons                                bpy
panel.py       where they are                             bpy
properties.py  what the panel holds                       bpy
work.py        jobs for the views, one after another      bpy
taking_up.py   those that another session began           bpy
writing.py     painted textures into images               bpy
fitting.py     whether meshes are as they were            bpy
scenery.py     meshes, textures and views of a scene      bpy
cameras.py     cameras around the objects                 bpy
placement.py   where those cameras stand                  pure
course.py      view after view                            pure
keeping.py     courses on disk                            pure
shelf.py       where they lie                             pure
stopping.py    calculations that can be stopped           pure
adapters.py    what makes a picture follow the meshes     pure
guides.py      depth, normals and edges of a view         pure
looks.py       what a view shows, and what of it to paint pure
painting.py    a picture onto the texels                  pure
filling.py     texels that nothing was painted on         pure
surface.py     triangles and textures                     pure
raster.py      triangles to pixels, and the depth buffer  pure
views.py       a camera                                   pure

The pure files need numpy. Blender brings it along, some distributions' packages do not: nothing that is loaded at
registration imports them, but the shelf.
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
