# SPDX-License-Identifier: GPL-3.0-or-later
"""View after view: each shows what the earlier ones painted and asks for the rest. Pure; belongs on a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..requests import Wishes, edit, inpaint
from ..vendored import tasks
from .looks import Look, look, mask_picture, read_png, rgb_picture
from .painting import blend, finish, strokes
from .raster import Seen, see
from .stopping import checkpoint
from .surface import Surface, Texture, texels_of
from .views import View

SHARED = 0.01
"""Overlaps of UVs up to this share are slips of an unwrapping, and not worth a word."""


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
        guides: adapters that guide the pictures, by what they follow; see `adapters`.
        ending: what becomes of texels that no view saw.

    Attributes:
        painted: how many views are done.
        pending: the views that are not, in their order.
    """

    def __init__(
        self,
        surface: Surface,
        textures: list[Texture],
        views: list[View],
        wishes: Wishes,
        guides: Mapping[str, str] | None = None,
        ending: Finish | None = None,
    ) -> None:
        self.surface = surface
        self.textures = textures
        self.painted = 0
        self.pending = list(views)
        self.wishes = wishes
        self.guides = dict(guides or {})
        self.ending = ending or Finish()
        self._texels = [texels_of(surface, which, texture) for which, texture in enumerate(textures)]
        self._now: tuple[View, Seen, Look] | None = None

    @property
    def shared(self) -> dict[int, float]:
        """Textures of which several places wear the same texels, and how much of them: 0 to 1."""
        return {number: each.shared for number, each in enumerate(self._texels) if each.shared >= SHARED}

    def next(self) -> tasks.Generation | None:
        """What to ask for the next view that has anything to paint; None when there is none left.

        Raises:
            Stopped: see `stopping`; the view is still the next one.
        """
        self._now = None
        while self.pending:
            view = self.pending[0]
            seen = see(view, self.surface.corners)
            shown = look(view, seen, self.surface, self.textures)
            if shown.mask.any():
                self._now = view, seen, shown
                return self._task(shown)
            self.pending.pop(0)
        return None

    def _task(self, shown: Look) -> tasks.Generation:
        picture = rgb_picture(shown.colour)
        controls = tuple(
            tasks.Control(image=rgb_picture(getattr(shown, what)), adapter=adapter)
            for what, adapter in self.guides.items()
        )
        if not shown.kept.any():
            return replace(edit(self.wishes, picture), controls=controls)
        # What is there has the shape of the mesh, in clay: it says more than a blur of the surroundings.
        task = inpaint(self.wishes, picture, mask_picture(shown.mask))
        return replace(task, controls=controls, fill="original")

    def take(self, png: bytes) -> None:
        """The picture for the view that `next` asked for, here or where the course was before. Without one: nothing.

        Raises:
            Stopped: see `stopping`; nothing of it was painted.
        """
        if self._now is None and self.next() is None:
            return
        view, seen, shown = self._now
        mask, picture = shown.mask if shown.kept.any() else None, read_png(png)
        made = [
            strokes(view, seen, texels, texture, picture, mask)
            for texture, texels in zip(self.textures, self._texels, strict=True)
        ]
        checkpoint()
        for texture, each in zip(self.textures, made, strict=True):
            blend(texture, each)
        self.painted += 1
        self.pending.pop(0)
        self._now = None

    def finished(self) -> list[Texture]:
        """The textures with margins, and with what no view saw; the course can still go on.

        Raises:
            Stopped: see `stopping`.
        """
        done = [texture.copy() for texture in self.textures]
        for texture, texels in zip(done, self._texels, strict=True):
            finish(texture, texels, self.ending.margin, self.ending.fill)
        return done
