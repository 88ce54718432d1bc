"""A surface as a base colour lets one guess it, and the maps that describe it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bridge.engine.conversion import Floats
from bridge.protocol.tasks import SurfaceMap, SurfaceMaps

from .height import estimated_height
from .normals import as_colours, normals_of, slopes_of
from .occlusion import occlusion_of
from .reflectance import metallic_of, roughness_of
from .sides import Sides

OnPart = Callable[[int], None]
"""Told how many parts of a map are done; may raise to stop."""


@dataclass(frozen=True)
class Surface:
    """What the maps are made of; the height is worked out when the first of them needs it.

    Attributes:
        rgb: base colour (height, width, 3), sRGB, 0 to 1.
        task: what is asked for.
    """

    rgb: Floats
    task: SurfaceMaps

    def map(self, name: SurfaceMap, on_part: OnPart = lambda done: None) -> Floats:
        """A map (height, width), or (height, width, 3) for normals as colours; 0 to 1."""
        match name:
            case "height":
                return self._height
            case "normal":
                y_down = self.task.normal_convention == "directx"
                return as_colours(normals_of(*self._slopes, y_down=y_down))
            case "occlusion":
                return occlusion_of(self._elevation, self._sides, on_part)
            case "roughness":
                return roughness_of(self.rgb, *self._slopes, self._sides, self.task.roughness)
            case "metallic":
                return metallic_of(self.rgb)

    @property
    def _sides(self) -> Sides:
        return Sides.of(self.task.seamless)

    @cached_property
    def _height(self) -> Floats:
        return estimated_height(self.rgb, self._sides, self.task.detail, light_is_deep=self.task.light_is_deep)

    @property
    def _elevation(self) -> Floats:
        """In px."""
        return np.asarray(self._height * np.float32(self.task.relief / 100 * min(self._height.shape)))

    @property
    def _slopes(self) -> tuple[Floats, Floats]:
        return slopes_of(self._elevation, self._sides)
