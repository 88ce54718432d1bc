"""Normals of an ordinary picture, as ControlNets for normals were shown them.

Red is the more, the more a surface faces left, green up, blue the viewer: the way of ControlNet's own normals, which it
took from an estimated depth. (Its red is that of OpenGL's normal maps turned round.)
"""

from __future__ import annotations

from bridge.engine.conversion import Floats
from bridge.engine.surface_maps.height import estimated_height
from bridge.engine.surface_maps.normals import as_colours, normals_of, slopes_of
from bridge.engine.surface_maps.sides import Sides

SCENE = 0.5
"""From the farthest to the nearest point of a scene, as a share of its shorter side."""
SURFACE = 0.05
"""From the lowest to the highest point of a surface that is seen from the front, likewise."""
DETAIL = 0.75
"""Of the finest forms of a surface, as the task `surface-maps` has it where nothing is said."""


def normals_of_scene(nearness: Floats) -> Floats:
    """Normals as colours (height, width, 3), 0 to 1, from nearness (height, width), 0 to 1."""
    return _normals(nearness, SCENE)


def normals_of_surface(picture: Floats) -> Floats:
    """Normals as colours, of a picture (height, width, 3) in sRGB, 0 to 1, by its shading: dark is deep.

    Good for what is flat as a whole: textures, walls, reliefs. Of a scene it tells no more than its folds.
    """
    return _normals(estimated_height(picture, Sides(), DETAIL), SURFACE)


def _normals(height: Floats, relief: float) -> Floats:
    slope_x, slope_y = slopes_of(height * relief * min(height.shape), Sides())
    return as_colours(normals_of(-slope_x, slope_y))
