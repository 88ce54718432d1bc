# SPDX-License-Identifier: GPL-3.0-or-later
"""View after view: each shows what the earlier ones painted and asks for the rest. Pure; belongs on a worker."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..requests import Wishes, edit, inpaint
from ..vendored import tasks
from .looks import Look, look, mask_picture, read_png, rgb_picture
from .painting import finish, paint
from .raster import Seen, see
from .surface import Surface, Texture, texels_of
from .views import View


@dataclass(frozen=True)
class Finish:
    """What becomes of texels that no view saw.

    Attributes:
        margin: pixels that islands are continued beyond their sides.
        fill: whether texels that show nothing get colours from around.
    """

    margin: int = 8
    fill: bool = True


class Course:
    """The views that are painted, one after another.

    Args:
        surface: everything that is seen.
        textures: those that triangles refer to; they are changed.
        views: in this order.
        wishes: prompt and the like.
        depth_adapter: of a ControlNet for depth; empty for none.
        ending: what becomes of texels that no view saw.

    Attributes:
        painted: how many views are done.
    """

    def __init__(
        self,
        surface: Surface,
        textures: list[Texture],
        views: list[View],
        wishes: Wishes,
        depth_adapter: str = "",
        ending: Finish | None = None,
    ) -> None:
        self.surface = surface
        self.textures = textures
        self.painted = 0
        self._views = list(views)
        self._wishes = wishes
        self._depth_adapter = depth_adapter
        self._ending = ending or Finish()
        self._texels = [texels_of(surface, which, texture) for which, texture in enumerate(textures)]
        self._now: tuple[View, Seen, Look] | None = None

    def next(self) -> tasks.Generation | None:
        """What to ask for the next view that has anything to paint; None when there is none left."""
        while self._views:
            view = self._views.pop(0)
            seen = see(view, self.surface.corners)
            shown = look(view, seen, self.surface, self.textures)
            if shown.mask.any():
                self._now = view, seen, shown
                return self._task(shown)
        self._now = None
        return None

    def _task(self, shown: Look) -> tasks.Generation:
        picture = rgb_picture(shown.colour)
        controls = ()
        if self._depth_adapter:
            controls = (tasks.Control(image=rgb_picture(shown.depth), adapter=self._depth_adapter),)
        if not shown.kept.any():
            return replace(edit(self._wishes, picture), controls=controls)
        # What is there has the shape of the mesh, in clay: it says more than a blur of the surroundings.
        task = inpaint(self._wishes, picture, mask_picture(shown.mask))
        return replace(task, controls=controls, fill="original")

    def take(self, png: bytes) -> None:
        """The picture for the view that `next` asked for. Without such a view nothing happens."""
        if self._now is None:
            return
        view, seen, shown = self._now
        mask = shown.mask if shown.kept.any() else None
        for texture, texels in zip(self.textures, self._texels, strict=True):
            paint(view, seen, texels, texture, read_png(png), mask)
        self.painted += 1
        self._now = None

    def finish(self) -> None:
        """After the last view: margins, and what none of them saw."""
        for texture, texels in zip(self.textures, self._texels, strict=True):
            finish(texture, texels, self._ending.margin, self._ending.fill)
