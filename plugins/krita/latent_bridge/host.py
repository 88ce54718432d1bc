# SPDX-License-Identifier: GPL-3.0-or-later
"""Krita, as far as the plugin needs it. The only module that imports `krita`. Main thread only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from krita import DockWidget, DockWidgetFactory, DockWidgetFactoryBase, Document, Extension, Krita, Selection

from .qt import (
    QAbstractScrollArea,
    QApplication,
    QByteArray,
    QCursor,
    QIcon,
    QImage,
    QMdiArea,
    QObject,
    QRectF,
    Qt,
    QTimer,
    QWidget,
)
from .request import Rect, is_plain_srgb

SRGB_PROFILE = "sRGB-elle-V2-srgbtrc.icc"
WHOLE = 255
POINTS_PER_INCH = 72.0
CANVAS_CLASSES = ("KisQPainterCanvas", "KisOpenGLCanvas2")


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
        return _bytes_of(image.convertToFormat(QImage.Format.Format_ARGB32))  # in memory: B, G, R, A

    # Sharing.

    @property
    def title(self) -> str:
        """Its name, for people."""
        return self._document.name()

    @property
    def resolution(self) -> float:
        """Pixels per inch."""
        return self._document.xRes()

    def show(self) -> None:
        """Bring it to the front."""
        window = Krita.instance().activeWindow()
        for view in window.views():
            if view.document() == self._document:
                window.showView(view)
                view.setVisible()

    def thumbnail(self, side: int) -> bytes:
        """A small picture of all that is to be seen, only for comparing. Krita keeps it until something changes."""
        image = self._document.rootNode().thumbnail(side, side)
        return b"" if image.isNull() else _bytes_of(image)

    def settled(self) -> bool:
        """Whether Krita has nothing under way: no stroke, and no part that is still to be composed."""
        if not self._document.tryBarrierLock():
            return False
        self._document.unlock()
        return True

    def lowest_layer(self) -> str:
        """Id of the layer below all others."""
        return _id_of(self._document.topLevelNodes()[0])

    def paint_layer(self, layer: str, pieces: list[tuple[Rect, bytes]], *, new: bool = False) -> None:
        """Put pixels (BGRA) into a layer of ours; no step of undo.

        Args:
            new: it comes with the document and is nothing that would be lost.
        """
        node = self._layer(layer)
        if node is None:
            return
        for place, data in pieces:
            node.setPixelData(QByteArray(data), place.x, place.y, place.width, place.height)
        self._document.refreshProjection()
        self._document.setModified(not new)

    # Layers.

    def add_layer(self, name: str, place: Rect, pixels: bytes, above: str = "") -> str:
        """Put a picture in as a new layer, in one step that one undo takes back; returns the layer's id.

        Args:
            name: of the layer.
            place: where it belongs; may reach beyond the canvas.
            pixels: BGRA, 8 bit, sRGB, straight alpha, of the size of `place`.
            above: id of the layer to put it above; empty for the top.
        """
        layer = self._new_layer(name, place, pixels)
        below = self._layer(above) if above else None
        parent = below.parentNode() if below is not None else self._document.rootNode()
        # Adding it updates the picture in Krita's own threads: no refreshProjection(), which would wait for them.
        parent.addChildNode(layer, below)
        return _id_of(layer)

    def add_group(self, name: str, layers: list[tuple[str, Rect, bytes]]) -> list[str]:
        """Put several pictures in as a group of which the first is visible, in one undo step; returns layers' ids."""
        group = self._document.createNode(name, "grouplayer")
        made = []
        for number, (title, place, pixels) in enumerate(layers):
            layer = self._new_layer(title, place, pixels)
            layer.setVisible(number == 0)
            group.addChildNode(layer, None)
            made.append(layer)
        self._document.rootNode().addChildNode(group, None)
        return [_id_of(layer) for layer in made]

    def _new_layer(self, name: str, place: Rect, pixels: bytes):
        document = self._document
        layer = document.createNode(name, "paintlayer")
        if not is_plain_srgb(document.colorModel(), document.colorDepth(), document.colorProfile()):
            # Before it belongs to the document, so that this is no step of its own. Krita converts while compositing.
            layer.setColorSpace("RGBA", "U8", SRGB_PROFILE)
        layer.setPixelData(QByteArray(pixels), place.x, place.y, place.width, place.height)
        return layer

    def active_layer(self) -> str:
        """Id of the layer that the user works on; empty when there is none."""
        node = self._document.activeNode()
        return _id_of(node) if node is not None else ""

    def has_layer(self, layer: str) -> bool:
        """Whether a layer is still there."""
        return self._layer(layer) is not None

    def layers(self) -> list[tuple[str, str]]:
        """Ids and names of all layers and groups, from the top; masks are none."""
        return list(_layers_below(self._document.rootNode()))

    def layer_pixels(self, layer: str, area: Rect) -> memoryview | bytes:
        """What a layer or group shows by itself: BGRA, 8 bit, sRGB, straight alpha; transparent where it is empty."""
        node = self._layer(layer)
        data = node.projectionPixelData(area.x, area.y, area.width, area.height)
        space = (node.colorModel(), node.colorDepth(), node.colorProfile())
        if is_plain_srgb(*space):
            return memoryview(data)
        # Krita converts pixels only in layers: one that never belongs to the document leaves no step behind.
        scratch = self._document.createNode("", "paintlayer")
        scratch.setColorSpace(*space)
        scratch.setPixelData(data, 0, 0, area.width, area.height)
        scratch.setColorSpace("RGBA", "U8", SRGB_PROFILE)
        return memoryview(scratch.pixelData(0, 0, area.width, area.height))

    def can_be_painted(self, layer: str) -> bool:
        """Whether a layer is there, and holds pixels that nothing protects."""
        node = self._layer(layer)
        return node is not None and node.type() == "paintlayer" and not node.locked()

    def has_pixels(self, layer: str, place: Rect, pixels: bytes) -> bool:
        """Whether a layer still has exactly these pixels (BGRA, 8 bit) there: not painted on, moved or converted."""
        node = self._layer(layer)
        if node is None or (node.colorModel(), node.colorDepth()) != ("RGBA", "U8"):
            return False
        return bytes(node.pixelData(place.x, place.y, place.width, place.height)) == pixels

    def lock_layer(self, layer: str) -> None:
        """Let nobody paint on a layer."""
        self._layer(layer).setLocked(True)

    def merge_down(self, layer: str) -> None:
        """Merge a layer into the one below it."""
        self._document.waitForDone()
        node = self._layer(layer)
        if node is not None:
            node.mergeDown()

    def remove_layer(self, layer: str) -> None:
        """Take a layer out; harmless when it is gone."""
        node = self._layer(layer)
        if node is not None:
            node.remove()
            self._settle()

    def show_layer(self, layer: str, visible: bool) -> None:
        """Show or hide a layer, and wait until what is to be seen follows."""
        node = self._layer(layer)
        if node is not None:
            node.setVisible(visible)
            self._settle()

    def shows_layer(self, layer: str) -> bool:
        """Whether a layer is visible."""
        node = self._layer(layer)
        return node is not None and node.visible()

    def repaint_layer(self, layer: str, place: Rect, pixels: bytes) -> None:
        """Give a layer of ours other pixels (BGRA) in the same place."""
        node = self._layer(layer)
        if node is not None:
            node.setPixelData(QByteArray(pixels), place.x, place.y, place.width, place.height)
            self._document.refreshProjection()
            self._document.setModified(True)

    def place_of_layer(self, layer: str) -> Rect:
        """Bounds of what a layer holds."""
        bounds = self._layer(layer).bounds()
        return Rect(bounds.x(), bounds.y(), bounds.width(), bounds.height())

    def _layer(self, layer: str):
        return _found(self._document.rootNode(), layer) if layer else None

    def _settle(self) -> None:
        self._document.refreshProjection()
        self._document.waitForDone()

    # The whole.

    def grow(self, bounds: Rect) -> None:
        """Change the canvas to these bounds of its present frame; what is there moves along."""
        self._document.resizeImage(bounds.x, bounds.y, bounds.width, bounds.height)
        self._document.waitForDone()

    def scale(self, width: int, height: int) -> None:
        """Scale everything to another size."""
        document = self._document
        document.scaleImage(width, height, round(document.xRes()), round(document.yRes()), "Bicubic")
        document.waitForDone()

    def same(self, other: object) -> bool:
        """Whether both are the same document."""
        return isinstance(other, OpenDocument) and self._document == other._document

    def read_annotation(self, name: str) -> bytes:
        """What a document holds under a name; empty for nothing."""
        if name not in self._document.annotationTypes():
            return b""
        return bytes(self._document.annotation(name))

    def write_annotation(self, name: str, value: bytes) -> None:
        """Let the document hold something. That alone is no reason to ask whether to save it."""
        modified = self._document.modified()
        self._document.setAnnotation(name, "Latent Bridge: fields and results", QByteArray(value))
        if not modified:
            self._document.setModified(False)


class CanvasView:
    """Where a document is shown.

    Attributes:
        widget: the canvas.
    """

    def __init__(self, widget: QWidget, scroller: QAbstractScrollArea, canvas, resolution: float) -> None:
        self.widget = widget
        self._scroller = scroller
        self._canvas = canvas
        self._resolution = resolution

    def is_pressed(self) -> bool:
        """Whether a button of the mouse is down over it."""
        over = self.widget.rect().contains(self.widget.mapFromGlobal(QCursor.pos()))
        return over and QApplication.mouseButtons() != Qt.MouseButton.NoButton

    def place(self, area: Rect) -> QRectF:
        """Where an area of the picture lies on the widget."""
        # Krita tells the zoom in pixels of the screen per point of the picture.
        scale = self._canvas.zoomLevel() * POINTS_PER_INCH / self._resolution
        left, top = self._scroller.horizontalScrollBar().value(), self._scroller.verticalScrollBar().value()
        return QRectF(area.x * scale - left, area.y * scale - top, area.width * scale, area.height * scale)


def _bytes_of(image: QImage) -> bytes:
    bits = image.constBits()
    bits.setsize(image.sizeInBytes() if hasattr(image, "sizeInBytes") else image.byteCount())
    return bytes(bits)


def _id_of(node) -> str:
    return node.uniqueId().toString()


def _layers_below(node) -> Iterator[tuple[str, str]]:
    for child in reversed(node.childNodes()):
        if child.type().endswith("layer"):
            yield _id_of(child), child.name()
            yield from _layers_below(child)


def _found(node, layer: str):
    for child in node.childNodes():
        if _id_of(child) == layer:
            return child
        below = _found(child, layer)
        if below is not None:
            return below
    return None


def adjusted_mask(mask: bytes, width: int, height: int, grow: int, feather: int) -> bytes:
    """A mask grown (or shrunk, when negative) and then softened, both in pixels, by Krita's own code.

    Args:
        mask: one byte a pixel.
    """
    selection = Selection()
    selection.setPixelData(QByteArray(mask), 0, 0, width, height)
    if grow > 0:
        selection.grow(grow, grow)
    elif grow < 0:
        selection.shrink(-grow, -grow, False)
    if feather > 0:
        selection.feather(feather)
    return selection.pixelData(0, 0, width, height).data()


class Host:
    """Krita itself."""

    def active_document(self) -> OpenDocument | None:
        """The document in front; None when there is none."""
        document = Krita.instance().activeDocument()
        return None if document is None else OpenDocument(document)

    def new_document(self, title: str, width: int, height: int) -> OpenDocument:
        """A new document in front: 8-bit sRGB, with one empty layer."""
        krita = Krita.instance()
        document = krita.createDocument(width, height, title, "RGBA", "U8", SRGB_PROFILE, 72.0)
        krita.activeWindow().addView(document)
        return OpenDocument(document)

    def on_step(self, action: Callable[[], None]) -> None:
        """Run `action` when a step of undo was made, such as a stroke, or taken back."""
        # There is no such action before there is a window.
        self.on_window(lambda: Krita.instance().action("edit_undo").changed.connect(action))

    def canvas_view(self, document: OpenDocument) -> CanvasView | None:
        """Where a document is shown upright; None when another one is in front."""
        window = Krita.instance().activeWindow()
        front = self.active_document()
        if window is None or front is None or not document.same(front):
            return None
        canvas = window.activeView().canvas()
        if canvas.rotation() or canvas.mirror():
            return None
        views = window.qwindow().findChild(QMdiArea)
        shown = views.activeSubWindow() if views is not None else None
        for scroller in shown.findChildren(QAbstractScrollArea) if shown is not None else ():
            for widget in scroller.findChildren(QWidget):
                if widget.metaObject().className() in CANVAS_CLASSES and widget.isVisible():
                    return CanvasView(widget, scroller, canvas, document.resolution)
        return None

    def undo(self) -> None:
        """Take the last step of the document in front back."""
        Krita.instance().action("edit_undo").trigger()

    def redo(self) -> None:
        """Do again what was taken back last."""
        Krita.instance().action("edit_redo").trigger()

    def can_redo(self) -> bool:
        """Whether something was taken back last."""
        return Krita.instance().action("edit_redo").isEnabled()

    def on_window(self, action: Callable[[], None]) -> None:
        """Run `action` whenever there is a new main window."""
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.windowCreated.connect(action)

    def read_setting(self, group: str, key: str, default: str) -> str:
        return Krita.instance().readSetting(group, key, default)

    def write_setting(self, group: str, key: str, value: str) -> None:
        Krita.instance().writeSetting(group, key, value)

    def on_closing(self, action: Callable[[], None]) -> None:
        """Run `action` when Krita closes."""
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.applicationClosing.connect(action)

    def icon(self, name: str) -> QIcon:
        """One of Krita's own icons, in the colours of its theme."""
        return Krita.instance().icon(name)

    def main_window(self) -> QWidget:
        """The main window in front."""
        return Krita.instance().activeWindow().qwindow()

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


def register_docker(
    name: str, title: str, make_panel: Callable[[QWidget], QWidget], on_canvas: Callable[[], None]
) -> None:
    """Offer a docker: every main window gets one, with a panel of its own.

    `on_canvas` is told when another document is in front.
    """

    class Docker(DockWidget):
        def __init__(self) -> None:
            super().__init__()
            self.setWindowTitle(title)
            self.setWidget(make_panel(self))

        def canvasChanged(self, canvas) -> None:
            # The document is only in front once this has returned.
            QTimer.singleShot(0, on_canvas)

    factory = DockWidgetFactory(name, DockWidgetFactoryBase.DockRight, Docker)
    Krita.instance().addDockWidgetFactory(factory)


def stack_dockers(front: str, behind: str) -> None:
    """Give two dockers one place, with a tab each, once: where the user puts them afterwards they stay."""
    krita = Krita.instance()
    dockers = {docker.objectName(): docker for docker in krita.dockers()}
    if krita.readSetting("latent_bridge", "stacked", "") or not {front, behind} <= dockers.keys():
        return
    krita.activeWindow().qwindow().tabifyDockWidget(dockers[front], dockers[behind])
    dockers[front].raise_()
    krita.writeSetting("latent_bridge", "stacked", behind)


def register_actions(actions: dict[str, tuple[str, Callable[[], None]]]) -> None:
    """Offer actions, by name: their text and what they do."""
    krita = Krita.instance()
    krita.addExtension(Actions(krita, actions))
