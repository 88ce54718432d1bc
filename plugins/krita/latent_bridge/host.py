# SPDX-License-Identifier: GPL-3.0-or-later
"""Krita, as far as the plugin needs it. The only module that imports `krita`. Main thread only."""

from __future__ import annotations

from collections.abc import Callable

from krita import DockWidget, DockWidgetFactory, DockWidgetFactoryBase, Document, Extension, Krita

from .qt import QByteArray, QImage, QObject, QWidget
from .request import Rect, is_plain_srgb

SRGB_PROFILE = "sRGB-elle-V2-srgbtrc.icc"
WHOLE = 255


class OpenDocument:
    """A document, for as long as somebody else keeps it open."""

    def __init__(self, document: Document) -> None:
        self._document = document

    @property
    def is_open(self) -> bool:
        """Whether the user still has it; nothing else may be asked of a document that is closed."""
        return any(self._document == other for other in Krita.instance().documents())

    @property
    def canvas(self) -> Rect:
        """The whole picture."""
        return Rect(0, 0, self._document.width(), self._document.height())

    def selection(self) -> Rect | None:
        """Bounds of the selection; None when nothing is selected, or evenly everything."""
        selection = self._document.selection()
        if selection is None:
            return None
        bounds = Rect(selection.x(), selection.y(), selection.width(), selection.height())
        if bounds.empty:
            return None
        if bounds.contains(self.canvas) and self._is_everything(selection):
            return None
        return bounds

    def _is_everything(self, selection) -> bool:
        canvas = self.canvas
        values = selection.pixelData(0, 0, canvas.width, canvas.height).data()
        return values.count(WHOLE) == len(values)

    def mask(self, area: Rect) -> bytes:
        """The selection, one byte a pixel: 255 inside, 0 outside, between where it is soft."""
        return self._document.selection().pixelData(area.x, area.y, area.width, area.height).data()

    def pixels(self, area: Rect) -> memoryview | bytes:
        """What is to be seen of an area: BGRA, 8 bit, sRGB, straight alpha, whatever the document's own format is."""
        document = self._document
        if is_plain_srgb(document.colorModel(), document.colorDepth(), document.colorProfile()):
            # A view keeps the array alive; nothing is copied.
            return memoryview(document.pixelData(area.x, area.y, area.width, area.height))
        image = document.projection(area.x, area.y, area.width, area.height)
        image = image.convertToFormat(QImage.Format.Format_ARGB32)  # in memory: B, G, R, A
        bits = image.constBits()
        bits.setsize(image.sizeInBytes() if hasattr(image, "sizeInBytes") else image.byteCount())
        return bytes(bits)

    def add_layer(self, name: str, place: Rect, pixels: bytes) -> None:
        """Put a picture on top as a new layer, in one step that one undo takes back.

        Args:
            name: of the layer.
            place: where it belongs; may reach beyond the canvas.
            pixels: BGRA, 8 bit, sRGB, straight alpha, of the size of `place`.
        """
        document = self._document
        layer = document.createNode(name, "paintlayer")
        if not is_plain_srgb(document.colorModel(), document.colorDepth(), document.colorProfile()):
            # Before it belongs to the document, so that this is no step of its own. Krita converts while compositing.
            layer.setColorSpace("RGBA", "U8", SRGB_PROFILE)
        layer.setPixelData(QByteArray(pixels), place.x, place.y, place.width, place.height)
        # Adding it updates the picture in Krita's own threads: no refreshProjection(), which would wait for them.
        document.rootNode().addChildNode(layer, None)


class Host:
    """Krita itself."""

    def active_document(self) -> OpenDocument | None:
        """The document in front; None when there is none."""
        document = Krita.instance().activeDocument()
        return None if document is None else OpenDocument(document)

    def read_setting(self, group: str, key: str, default: str) -> str:
        return Krita.instance().readSetting(group, key, default)

    def write_setting(self, group: str, key: str, value: str) -> None:
        Krita.instance().writeSetting(group, key, value)

    def on_closing(self, action: Callable[[], None]) -> None:
        """Run `action` when Krita closes."""
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.applicationClosing.connect(action)

    def version(self) -> str:
        return Krita.instance().version()


class Actions(Extension):
    """Entries in Tools ▸ Scripts, to which shortcuts can be bound."""

    def __init__(self, parent: QObject, actions: dict[str, tuple[str, Callable[[], None]]]) -> None:
        super().__init__(parent)
        self._actions = actions

    def setup(self) -> None:
        pass

    def createActions(self, window) -> None:
        for name, (text, run) in self._actions.items():
            action = window.createAction(name, text, "tools/scripts")
            action.triggered.connect(lambda _checked=False, run=run: run())


def register_docker(name: str, title: str, make_panel: Callable[[QWidget], QWidget]) -> None:
    """Offer a docker: every main window gets one, with a panel of its own."""

    class Docker(DockWidget):
        def __init__(self) -> None:
            super().__init__()
            self.setWindowTitle(title)
            self.setWidget(make_panel(self))

        def canvasChanged(self, canvas) -> None:
            pass

    factory = DockWidgetFactory(name, DockWidgetFactoryBase.DockRight, Docker)
    Krita.instance().addDockWidgetFactory(factory)


def register_actions(actions: dict[str, tuple[str, Callable[[], None]]]) -> None:
    """Offer actions, by name: their text and what they do."""
    krita = Krita.instance()
    krita.addExtension(Actions(krita, actions))
