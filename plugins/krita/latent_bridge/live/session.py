# SPDX-License-Identifier: GPL-3.0-or-later
"""Live generation: what is painted on a document goes to the model, and its frames come here. Main thread only."""

from __future__ import annotations

import dataclasses
import random
import time
from pathlib import Path

from ..controller import Controller
from ..host import Host, OpenDocument
from ..qt import QObject, pyqtSignal
from ..request import layer_name
from ..vendored import errors, live, tasks
from .frames import Shown, composed, layer_pixels, shown_of
from .overlay import CanvasOverlay
from .recording import Recording
from .share import Share
from .sharing import Sharing
from .wishes import FrameRate, Report, Wishes, report_of, settings_of

MOST_FRAMES = 30.0
"""Frames per second that are shown at most."""
NO_PICTURE = errors.BridgeError(errors.ErrorCode.INVALID_FIELD, "No picture is open.", hint="Open one, or a canvas.")


class LiveSession(QObject):
    """One for the whole of Krita: it follows one document, whichever is in front meanwhile.

    Signals:
        changed: how it goes, a `Report`.
        framed: a frame over what it was made from, a `QImage`.
    """

    changed = pyqtSignal(object)
    framed = pyqtSignal(object)
    _told = pyqtSignal()

    def __init__(self, controller: Controller, host: Host, sharing: Sharing) -> None:
        super().__init__()
        self.wishes = Wishes()
        self.report = Report()
        self.shown: Shown | None = None
        self.recording: Recording | None = None
        self.overlay = CanvasOverlay(host)
        self._source: OpenDocument | None = None  # whose frame is shown
        self._controller = controller
        self._host = host
        self._sharing = sharing
        self._share: Share | None = None
        self._starting = False
        self._mine: live.LiveSettings | None = None  # None: it was begun elsewhere, and its settings are theirs
        self._newest: live.LiveFrame | None = None
        self._stepped = True
        self._form = controller.form
        self._rate = FrameRate()
        self._told.connect(self._listen)
        sharing.ticked.connect(self._tick)
        sharing.stepped.connect(self._mark_step)
        sharing.changed.connect(self._check)
        sharing.failed.connect(self._failed)

    @property
    def on(self) -> bool:
        """Whether it goes, or is about to."""
        return self._starting or (self._share is not None and self._share.canvas.live.info.state != "off")

    @property
    def can_apply(self) -> bool:
        """Whether there is a frame to be put into its document."""
        return self.shown is not None and self._source is not None and self._source.is_open

    # What the user does.

    def toggle(self) -> None:
        """Begin on the document in front, or end it."""
        if self.on:
            self.stop()
        else:
            self.start()

    def start(self) -> None:
        """Begin on the document in front."""
        document = self._host.active_document()
        if document is None:
            self._failed(NO_PICTURE)
            return
        seed = random.randrange(tasks.MAX_SEED + 1)
        selected = document.selection() is not None
        self.wishes = dataclasses.replace(self.wishes, seed=seed, selected_only=selected)
        self._starting, self.shown = True, None
        self._show(Report("Starting…"))
        self._sharing.share(document, self._begin, stays=False)

    def stop(self) -> None:
        """End it, for everybody."""
        share, self._starting = self._share, False
        if share is not None:
            share.canvas.live.stop()
            self._leave(share)
        self._show(Report())

    def wish(self, wishes: Wishes) -> None:
        """Go on with other wishes."""
        self.wishes = wishes
        self._stepped = True

    def apply(self) -> None:
        """Put the frame that is shown into its document, as a new layer; one step of undo."""
        if not self.can_apply:
            return
        name = layer_name(self.shown.prompt, self.shown.seed)
        self._source.add_layer(name, self.shown.area, layer_pixels(self.shown))

    def record(self, folder: str) -> None:
        """Write frames into a folder from now on; an empty one ends that."""
        if self.recording is not None:
            self.recording.end()
            self.recording = None
        if folder:
            try:
                self.recording = Recording(Path(folder))
            except OSError as error:
                problem = f"Frames cannot be written to {folder}: {error.strerror}."
                self._failed(errors.BridgeError(errors.ErrorCode.INVALID_FIELD, problem, hint="Choose another folder."))
                return
        self._show(self.report)

    # Following a canvas.

    def follow(self, share: Share) -> None:
        """Show what is made of a canvas, whoever begins it."""
        if self._share is share:
            return
        if self._share is not None and self._mine is not None:
            self._share.canvas.live.stop()
        if self._share is not None:
            self._leave(self._share)
        self._share, self._mine = share, None
        share.canvas.live.on_frame = self._take
        share.canvas.live.on_info = lambda _info: self._told.emit()
        share.canvas.live.watch(rate=MOST_FRAMES)
        self._told.emit()

    def _begin(self, share: Share) -> None:
        if not self._starting:
            if not share.stays:
                self._sharing.close(share)
            return
        self.follow(share)
        share.canvas.live.error = None
        self._mine, self._stepped = None, True
        self._tick()

    def _leave(self, share: Share) -> None:
        self._mine = None
        self.overlay.end()
        if share.stays:
            return
        self._share = None
        share.canvas.live.on_frame = share.canvas.live.on_info = None
        share.canvas.live.unwatch()
        self._sharing.close(share)

    def _tick(self) -> None:
        """The documents have been looked at: send the wishes where they have changed."""
        share = self._share
        if share is None or not (self._starting or (self._mine is not None and self.on)):
            return
        if not self._stepped and self._controller.form is self._form:
            return
        self._stepped, self._form = False, self._controller.form
        document = share.document
        selection = share.mask(document.selection()) if self.wishes.selected_only else None
        native = self._controller.native_size(self._form.model)
        wanted = settings_of(self._form, self.wishes, document.canvas, selection, native, masks=share.masks)
        if wanted != self._mine:
            self._mine = wanted
            share.canvas.live.start(wanted)

    def _mark_step(self) -> None:
        self._stepped = True  # perhaps the selection is another one

    def _check(self) -> None:
        if self._share is not None and self._share not in self._sharing.shares:
            self._share, self._mine = None, None
            self.overlay.end()
            self._show(Report())

    # What comes back.

    def _take(self, frame: live.LiveFrame) -> None:
        """The client's thread: a frame. When several come before the main thread looks, the newest counts."""
        self._newest = frame
        self._told.emit()

    def _listen(self) -> None:
        share = self._share
        if share is None:
            return
        frame, self._newest = self._newest, None
        if frame is not None:
            self._show_frame(share, frame)
        told = share.canvas.live
        if told.info.state != "off" or told.error is not None:
            self._starting = False
        if self._starting:
            return
        if told.info.state == "off" and self._mine is not None:
            self._leave(share)  # ended by somebody else, or refused
        self._show(report_of(told.info, told.error, self._rate.at(time.monotonic())))

    def _show_frame(self, share: Share, frame: live.LiveFrame) -> None:
        self._rate.frame(time.monotonic())
        self.shown, self._source = shown_of(frame, share.canvas.live.info.settings), share.document
        image, area = self.shown.image, self.shown.area
        if image.hasAlphaChannel():
            image = composed(self.shown, share.told(area))
        if self.recording is not None:
            self.recording.take(image, area.width, area.height)
        self.framed.emit(image)
        self.overlay.take(share.document, image, area)

    def _failed(self, error: errors.BridgeError) -> None:
        self._starting = False
        self._show(Report(self.report.text, error.message, error.hint))

    def _show(self, report: Report) -> None:
        self.report = report
        self.changed.emit(report)
