# SPDX-License-Identifier: GPL-3.0-or-later
"""All shared documents, and the timer that looks at them. Main thread only, but for what waits for the daemon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..bridge_thread import BridgeThread, in_background
from ..host import Host, OpenDocument
from ..qt import QObject, QTimer, pyqtSignal
from ..request import Rect
from ..vendored import errors
from .share import IMAGE, LAYERS, Share, title_of, told_of

LOOK_MS = 40
"""How often documents are looked at; only while there are shared ones."""


class Sharing(QObject):
    """Opens canvases for documents, and documents for canvases.

    Signals:
        changed: another document is shared, or one is no longer.
        listed: the daemon's canvases, `CanvasInfo`s.
        failed: a `BridgeError` that the user should see.
        ticked: the documents have been looked at.
        stepped: a step of undo was made or taken back in some document.
    """

    changed = pyqtSignal()
    listed = pyqtSignal(object)
    failed = pyqtSignal(object)
    ticked = pyqtSignal()
    stepped = pyqtSignal()
    _done = pyqtSignal(object)

    def __init__(self, host: Host, bridge: BridgeThread) -> None:
        super().__init__()
        self.shares: list[Share] = []
        self._host = host
        self._bridge = bridge
        self._opening: set[str] = set()
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._tick)
        self._done.connect(lambda action: action())
        host.on_step(self._stepped)
        bridge.leaving.connect(self._leave)

    def of(self, document: OpenDocument | None) -> Share | None:
        """How a document is shared; None when it is not."""
        return next((share for share in self.shares if document is not None and share.document.same(document)), None)

    # What the user does.

    def ask_for_list(self) -> None:
        """Ask for the canvases of the daemon; `listed` brings them."""
        if self._bridge.bridge is not None:
            self._wait_for(lambda bridge: bridge.list_canvases(), self.listed.emit, quiet=True)

    def share(self, document: OpenDocument, then: Callable[[Share], None] | None = None, *, stays: bool = True) -> None:
        """Make a document a canvas, and go on with `then` when it is one."""
        known = self.of(document)
        if known is not None:
            known.stays = known.stays or stays
            if then is not None:
                then(known)
            return
        size, title = document.canvas, document.title

        def open_canvas(bridge: Any) -> Any:
            names = {info.name for info in bridge.list_canvases()}
            name = title_of(title, names.__contains__)
            canvas = bridge.open_canvas(name, size.width, size.height, layers=LAYERS)
            return canvas, told_of(canvas)

        def opened(answer: Any) -> None:
            canvas, told = answer
            if self.of(document) is not None or not document.is_open or document.canvas != size:
                canvas.close()
                return
            share = self._add(Share(document, canvas, told, stays=stays))
            if then is not None:
                then(share)

        self._wait_for(open_canvas, opened)

    def open(self, name: str, then: Callable[[Share], None]) -> None:
        """Make a new document for a canvas of the daemon, or show the one that it has."""
        if name in self._opening:
            return
        for share in self.shares:
            if share.canvas.name == name:
                share.document.show()
                return
        self._opening.add(name)

        def open_canvas(bridge: Any) -> Any:
            canvas = bridge.open_canvas(name)
            layer = next((each for each in canvas.layers if each.name == IMAGE), None)
            if layer is not None and layer.format.value == "rgba8":
                return canvas, told_of(canvas)
            canvas.close()
            problem = f"The canvas “{name}” has no RGBA layer “{IMAGE}”."
            raise errors.BridgeError(errors.ErrorCode.INVALID_FIELD, problem)

        def opened(answer: Any) -> None:
            canvas, told = answer
            document = self._host.new_document(name, canvas.width, canvas.height)
            layer = document.lowest_layer()
            whole = Rect(0, 0, canvas.width, canvas.height)
            share = Share(document, canvas, told, stays=True, layer=layer)
            document.paint_layer(layer, [(whole, share.told(whole))], new=True)
            then(self._add(share))

        self._wait_for(open_canvas, opened, lambda: self._opening.discard(name))

    def open_at_start(self, name: str, then: Callable[[Share], None]) -> None:
        """Open a canvas as soon as there are a window and a connection: another program started Krita for it."""
        left = {"window", "daemon"}

        def come(what: str) -> None:
            if left:
                left.discard(what)
                if not left:
                    self.open(name, then)

        self._bridge.welcomed.connect(lambda _welcome: come("daemon"))
        self._host.on_window(lambda: come("window"))
        self._bridge.open()

    def close(self, share: Share) -> None:
        """Share a document no longer."""
        if share in self.shares:
            self.shares.remove(share)
            share.close()
            self._changed()

    def _leave(self) -> None:
        """Another daemon is about to be used: canvases are the former one's."""
        for share in list(self.shares):
            self.close(share)

    # The background.

    def _wait_for(
        self,
        ask: Callable[[Any], Any],
        then: Callable[[Any], None],
        over: Callable[[], None] = lambda: None,
        *,
        quiet: bool = False,
    ) -> None:
        """Ask the daemon on a thread of its own, and go on here."""

        def work() -> None:
            try:
                bridge = self._bridge.bridge
                if bridge is None:
                    raise errors.BridgeError(errors.ErrorCode.NOT_CONNECTED, "There is no connection to the daemon.")
                answer = ask(bridge)
            except errors.BridgeError as error:
                failure = error  # `error` is gone when the main thread comes to it
                self._done.emit(lambda: (over(), None if quiet else self.failed.emit(failure)))
                return
            self._done.emit(lambda: (over(), then(answer)))

        in_background(work, "canvas")

    # The timer.

    def _add(self, share: Share) -> Share:
        self.shares.append(share)
        self._changed()
        return share

    def _changed(self) -> None:
        if self.shares:
            self._timer.start()
        else:
            self._timer.stop()
        self.changed.emit()

    def _tick(self) -> None:
        for share in list(self.shares):
            problem = self._problem(share)
            if share.document.is_open and problem is None:
                try:
                    share.tick()
                    continue
                except errors.BridgeError as error:  # the daemon has refused the canvas meanwhile
                    problem = error
            self.close(share)
            if problem is not None:
                self.failed.emit(problem)
        self.ticked.emit()

    def _problem(self, share: Share) -> errors.BridgeError | None:
        if share.canvas.closed:
            return share.canvas.error
        if share.document.is_open and not share.fits:
            return errors.BridgeError(
                errors.ErrorCode.INVALID_FIELD,
                "The picture has another size now, so it is no longer shared.",
                hint="Share it again, or switch Live on again.",
            )
        return None

    def _stepped(self) -> None:
        for share in self.shares:
            share.compare_all()
        self.stepped.emit()
