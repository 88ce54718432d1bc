# SPDX-License-Identifier: GPL-3.0-or-later
"""All shared images of the open file. What is shared stands on the images; everything here follows from that.

So an undo, a load, a rename and a deletion need no code of their own: the next tick sees what is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import bpy

from .. import delivery, images, session
from ..pictures import HostPixels, picture_of, png
from ..vendored import canvases, errors
from .names import CanvasNames
from .share import CANVAS, LAYERS, Share, check

NOTHING_SHARED, SHORTEST, LONGEST = 0.5, 0.02, 0.2
"""Seconds between ticks."""
RETRY_SECONDS = 3.0


class Sharing:
    """Canvases of this Blender.

    Attributes:
        shares: by the canvas's name.
        names: canvases that can be opened.
        message: the last thing that the user should know and that belongs to no canvas.
    """

    def __init__(self) -> None:
        self.shares: dict[str, Share] = {}
        self.names = CanvasNames()
        self.message = ""
        self._session: session.Session | None = None
        self._retry_at: dict[str, float] = {}
        self._asked: set[str] = set()

    def share(self, image: bpy.types.Image) -> None:
        """Make a canvas of an image: “blender: NAME”, or with a number where others use that one.

        Raises:
            BridgeError: `invalid_field`, `forbidden`.
        """
        check(image)
        session.current().open()
        self._asked.add(image.name)
        self.message = "Waiting for the daemon…"
        self._share_asked()

    def adopt(self, info: canvases.CanvasInfo) -> bpy.types.Image:
        """A new image for a canvas that another program has made."""
        title = info.name.partition(": ")[2] or info.name
        image = bpy.data.images.new(title[:63], info.width, info.height, alpha=True)
        image[CANVAS] = info.name
        image.use_fake_user = True
        self._open(image, image_wins=False)
        return image

    def unshare(self, image: bpy.types.Image) -> None:
        """Stop sharing an image. For others the canvas stays."""
        share = self.shares.pop(image.get(CANVAS, ""), None)
        if share is not None:
            share.close()
        if CANVAS in image:
            del image[CANVAS]

    def of(self, image: bpy.types.Image | None) -> Share | None:
        """How an image is shared."""
        return self.shares.get(image.get(CANVAS, "")) if image is not None else None

    def tick(self) -> float:
        """Exchange what has changed; returns seconds until the next time."""
        wanted = self._wanted()
        for name in self.shares.keys() - wanted.keys():
            self.shares.pop(name).close()
        if session.current() is not self._session:  # the preferences have changed: there is another connection
            self._session = session.current()
            self.close()
        self._share_asked()
        if not wanted:
            return LONGEST if self._asked else NOTHING_SHARED
        now, seen, painting = time.monotonic(), False, may_paint()
        for name, image in wanted.items():
            share = self.shares.get(name)
            if share is None:
                self._reopen(image, now)
            else:
                try:
                    seen |= share.tick(image, now, painting=painting) | self._tick_live(share, image)
                except errors.BridgeError as problem:  # closed a moment ago; a timer that raises is gone for good
                    share.error = problem
        if seen:
            delivery.redraw()
        return self._pause()

    def close(self) -> None:
        """Let go of every canvas; they are opened again when the images still say so."""
        for share in self.shares.values():
            share.close()
        self.shares.clear()
        self._retry_at.clear()

    def _share_asked(self) -> None:
        """Give names to the canvases of images that are to be shared, once there is a daemon."""
        if not self._asked or session.current().state != "connected":
            return
        asked, self._asked = self._asked, set()
        session.current().connection.ask(
            lambda bridge: {info.name: info for info in bridge.list_canvases()},
            lambda infos, error: self._share_named(asked, infos, error),
        )

    def _share_named(self, asked: set[str], infos: dict | None, error: errors.BridgeError | None) -> None:
        self.message = str(error or "")
        for image in [bpy.data.images.get(name) for name in sorted(asked)]:
            if infos is not None and image is not None and CANVAS not in image:
                image[CANVAS] = free_name(f"blender: {image.name}", tuple(image.size), infos)
                image.use_fake_user = True  # otherwise one that nothing wears yet would not be saved
                delivery.push_undo("Share as canvas")
                self._open(image, image_wins=True)

    def _tick_live(self, share: Share, image: bpy.types.Image) -> bool:
        if share.preview is None:
            return False
        if share.preview.on:
            share.preview.adjust(bpy.context.scene.latent_bridge)
        return share.preview.tick(image)

    def _wanted(self) -> dict[str, bpy.types.Image]:
        found: dict[str, bpy.types.Image] = {}
        for image in bpy.data.images:
            name = image.get(CANVAS)
            if not isinstance(name, str) or image.library is not None:
                continue
            if name in found:
                del image[CANVAS]  # a copy of a shared image is one of its own
            else:
                found[name] = image
        return found

    def _reopen(self, image: bpy.types.Image, now: float) -> None:
        """An image that says it is shared: after a load, an undo, or when there was no daemon."""
        present = session.current()
        if present.state == "connected" and now >= self._retry_at.get(image[CANVAS], 0.0):
            self._open(image)

    def _open(self, image: bpy.types.Image, *, image_wins: bool | None = None) -> None:
        """Ask for the canvas of an image.

        Args:
            image: which.
            image_wins: whose pixels count. None: the canvas's, unless nobody has ever painted on it; then what the
                image was is kept as its previous version.
        """
        canvas_name, (width, height) = image[CANVAS], image.size
        share = self.shares[canvas_name] = Share(canvas_name)

        def open_canvas(bridge: object) -> tuple[object, bool]:
            found = next((info for info in bridge.list_canvases() if info.name == canvas_name), None)
            opened = bridge.open_canvas(canvas_name, width, height, layers=LAYERS, on_change=share.changed)
            return opened, (found is None or found.revision == 0) if image_wins is None else image_wins

        def answered(opened: tuple[object, bool] | None, error: errors.BridgeError | None) -> None:
            canvas, image_is_newer = opened or (None, True)
            image = next((each for each in bpy.data.images if each.get(CANVAS) == canvas_name), None)
            if share.closed or image is None:
                if canvas is not None:
                    canvas.close()
                return
            try:
                if error is not None:
                    raise error
                before = share.begin(image, canvas, image_wins=image_is_newer)
                if before is not None and image_wins is None:
                    keep_version(image.name, before)
            except errors.BridgeError as problem:
                share.error = problem
                if canvas is not None:
                    canvas.close()
                elif problem.code in {errors.ErrorCode.TIMEOUT, errors.ErrorCode.NOT_CONNECTED}:
                    self.shares.pop(canvas_name, None)
                    self._retry_at[canvas_name] = time.monotonic() + RETRY_SECONDS

        session.current().connection.ask(open_canvas, answered)

    def _pause(self) -> float:
        dues = [share.due for share in self.shares.values() if share.canvas is not None]
        live = any(share.preview is not None and share.preview.on for share in self.shares.values())
        rest = min(dues, default=0.0) - time.monotonic()
        return min(max(rest, SHORTEST), SHORTEST * 2 if live else LONGEST)


def free_name(wanted: str, size: tuple[int, int], taken: dict[str, object]) -> str:
    """A canvas's name that nobody else uses: a canvas that is left alone and has the size is taken up again.

    Args:
        wanted: the name.
        size: of the image, pixels.
        taken: what the daemon has, as `CanvasInfo` by name.
    """
    name, number = wanted[:120], 1
    while name in taken and (taken[name].members or (taken[name].width, taken[name].height) != tuple(size)):
        number += 1
        name = f"{wanted[:120]} {number}"
    return name


def may_paint() -> bool:
    """Whether an image may be painted on just now; scripts may at any time."""
    if bpy.app.background or bpy.context.mode == "PAINT_TEXTURE":
        return True
    areas = [area for window in bpy.context.window_manager.windows for area in window.screen.areas]
    return any(area.type == "IMAGE_EDITOR" and area.spaces.active.ui_mode == "PAINT" for area in areas)


def keep_version(name: str, before: HostPixels) -> None:
    """Keep what an image was as its previous version; the file of it is made on the worker."""

    def made(file: bytes | None, error: errors.BridgeError | None) -> None:
        image = bpy.data.images.get(name)
        if file is not None and image is not None:
            images.keep_previous(image, file)

    session.current().connection.in_background(lambda: png(picture_of(before)), made)


def pack_painted() -> None:
    """Let what was painted on shared images be saved with the file: those who painted elsewhere expect no less.

    Images that lie in files of their own are left to Image ▸ Save, as Blender's users expect.
    """
    for image in bpy.data.images:
        inside = image.source == "GENERATED" or image.packed_file is not None
        if CANVAS in image and image.library is None and image.is_dirty and inside:
            image.pack()


class _Holder:
    """The one object of this Blender; see `session._Holder`."""

    sharing: Sharing | None = None


def current() -> Sharing:
    """All sharing of this Blender."""
    if _Holder.sharing is None:
        _Holder.sharing = Sharing()
    return _Holder.sharing


def _tick() -> float | None:
    return _Holder.sharing.tick() if _Holder.sharing is not None else None


@bpy.app.handlers.persistent
def _loading(*_: object) -> None:
    # Before another file is there: an image of the same name in it is not the one that was shared.
    if _Holder.sharing is not None:
        _Holder.sharing.close()


@bpy.app.handlers.persistent
def _saving(*_: object) -> None:
    pack_painted()


def _handlers() -> tuple[tuple[list, Callable], ...]:
    return (bpy.app.handlers.load_pre, _loading), (bpy.app.handlers.save_pre, _saving)


def register() -> None:
    """In a window, begin to look at shared images."""
    _Holder.sharing = Sharing()
    for handlers, function in _handlers():
        handlers.append(function)
    if not bpy.app.background:  # see `ticking.register`
        bpy.app.timers.register(_tick, first_interval=NOTHING_SHARED, persistent=True)


def unregister() -> None:
    """Let go of every canvas."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    for handlers, function in _handlers():
        if function in handlers:
            handlers.remove(function)
    sharing, _Holder.sharing = _Holder.sharing, None
    if sharing is not None:
        sharing.close()
