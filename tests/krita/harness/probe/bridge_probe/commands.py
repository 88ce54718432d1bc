# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests can ask of Krita. Arguments and answers are plain JSON values."""

import gc

from krita import Krita, Selection
from PyQt5.QtCore import QByteArray, QPoint, QTimer
from PyQt5.QtGui import QCursor
from PyQt5.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDockWidget,
    QLabel,
    QLineEdit,
    QListWidget,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QWidget,
)

SRGB = "sRGB-elle-V2-srgbtrc.icc"
KRITA = Krita.instance()
CANVASES = ("KisQPainterCanvas", "KisOpenGLCanvas2")
closed_without_saving = QTimer()


def watch():
    """Answer questions about saving with no, so that no test hangs on one."""
    closed_without_saving.timeout.connect(_answer_no)
    closed_without_saving.start(200)


def _answer_no():
    dialog = QApplication.activeModalWidget()
    if dialog is None:
        return
    for button in dialog.findChildren(QPushButton):
        if button.text().replace("&", "") in ("No", "Discard", "Don't Save"):
            button.click()
            return


def modal():
    """Texts of the dialog that blocks Krita; None when there is none."""
    dialog = QApplication.activeModalWidget()
    if dialog is None:
        return None
    return [dialog.windowTitle(), *(label.text() for label in dialog.findChildren(QLabel))]


def pointed():
    """What the mouse would act on: the widget under it, and whatever holds it back."""
    named = lambda found: None if found is None else f"{type(found).__name__} {found.objectName()}"  # noqa: E731
    return {
        "under": named(QApplication.widgetAt(QCursor.pos())),
        "at": [QCursor.pos().x(), QCursor.pos().y()],
        "popup": named(QApplication.activePopupWidget()),
        "modal": named(QApplication.activeModalWidget()),
        "grabber": named(QWidget.mouseGrabber()),
        "window": named(QApplication.activeWindow()),
        "focus": named(QApplication.focusWidget()),
        "buttons": int(QApplication.mouseButtons()),
        "windows": [
            [named(each), each.x(), each.y(), each.width(), each.height()]
            for each in QApplication.topLevelWidgets()
            if each.isVisible()
        ],
    }


def ready():
    """Whether there is a window."""
    return KRITA.activeWindow() is not None and KRITA.activeWindow().qwindow().isVisible()


def arrange(width, height):
    """Let the main window fill the screen; returns its id."""
    window = KRITA.activeWindow().qwindow()
    window.setGeometry(0, 0, width, height)
    window.activateWindow()
    return int(window.winId())


# The docker.


def _docker():
    return next(docker for docker in KRITA.dockers() if docker.objectName() == "latent_bridge_docker")


def _any(name):
    """A widget of any docker or dialog of the plugin's, or the dialog itself."""
    dialogs = [each for each in QApplication.topLevelWidgets() if each.isVisible()]
    places = [each for each in (*KRITA.dockers(), *dialogs) if each.objectName().startswith("latent_bridge")]
    return next(
        found for each in places if (found := each if each.objectName() == name else each.findChild(QWidget, name))
    )


def window_of(name):
    """Id of the window that a widget is in."""
    return int(_any(name).window().winId())


def is_open(name):
    """Whether a dialog of that name is to be seen."""
    return any(each.objectName() == name and each.isVisible() for each in QApplication.topLevelWidgets())


def show_docker(height=0, name="latent_bridge_docker"):
    """Bring a docker to the front of its place, as high as wanted."""
    docker = next(docker for docker in KRITA.dockers() if docker.objectName() == name)
    docker.setVisible(True)
    docker.raise_()
    if height:
        from PyQt5.QtCore import Qt

        window = KRITA.activeWindow().qwindow()
        window.resizeDocks([docker], [height], Qt.Vertical)


def stacked():
    """Whether the plugin's dockers have found their places, which they do a moment after the window is shown."""
    return bool(KRITA.readSetting("latent_bridge", "stacked", ""))


def float_docker(width, height):
    """Make the docker a window of its own of the given size."""
    docker = _docker()
    docker.setFloating(True)
    docker.setGeometry(40, 60, width, height)
    docker.raise_()
    return [docker.width(), docker.height()]


def dock_docker():
    """Put it back."""
    _docker().setFloating(False)


def grab_docker(path):
    """Keep a picture of the docker."""
    docker = _docker()
    picture = docker.grab()
    return [picture.save(path), picture.width(), picture.height()]


def widget(name):
    """Place and state of a widget, for a press that comes after a collection of garbage.

    What Qt shows while Python takes it for garbage would end Krita then: here always, elsewhere now and then.
    """
    gc.collect()
    found = _any(name)
    corner = found.mapToGlobal(QPoint(0, 0))
    under = QApplication.widgetAt(found.mapToGlobal(found.rect().center()))
    return {
        "x": corner.x(),
        "y": corner.y(),
        "width": found.width(),
        "height": found.height(),
        "visible": found.isVisible(),
        "enabled": found.isEnabled(),
        "uncovered": under is not None and (under is found or found.isAncestorOf(under)),
        "text": _text(found),
    }


def _text(found):
    if isinstance(found, (QLabel, QAbstractButton, QLineEdit)):
        return found.text()
    if isinstance(found, QPlainTextEdit):
        return found.toPlainText()
    if isinstance(found, QComboBox):
        return found.currentText()
    if isinstance(found, QSpinBox):
        return found.text()
    return found.accessibleName()


def docker():
    """Everything that the docker says."""
    found = next((docker for docker in KRITA.dockers() if docker.objectName() == "latent_bridge_docker"), None)
    if found is None:
        return {}
    child = lambda kind, name: found.findChild(kind, f"latent_bridge_{name}")  # noqa: E731
    notice = child(QWidget, "error")
    bar = child(QProgressBar, "progress")
    return {
        "title": found.windowTitle(),
        "visible": found.isVisible(),
        "connection": child(QLabel, "connection").accessibleName(),
        "text": child(QLabel, "text").text(),
        "error": child(QLabel, "error_text").text() if notice.isVisible() else "",
        "hint": child(QLabel, "error_hint").text() if notice.isVisible() else "",
        "generate": child(QPushButton, "generate").isEnabled(),
        "cancel": child(QPushButton, "cancel").isEnabled(),
        "busy": bar.maximum() == 0 or bar.value() > 0 or child(QPushButton, "cancel").isEnabled(),
        "start": child(QPushButton, "start").isVisible(),
        "progress": [bar.value(), bar.maximum()],
        "models": [child(QComboBox, "model").itemText(row) for row in range(child(QComboBox, "model").count())],
        "prompt": child(QPlainTextEdit, "prompt").toPlainText(),
        "seed": child(QLineEdit, "seed").text(),
    }


def set_number(name, value):
    """Set a number field of a docker."""
    _any(name).setValue(value)


def set_text(name, text):
    """Set a text field of the docker as typing would."""
    field = _docker().findChild(QWidget, name)
    if isinstance(field, QPlainTextEdit):
        field.setPlainText(text)
    else:
        field.setText(text)
        field.textEdited.emit(text)


def set_checked(name, checked):
    """Set a check box or a folding heading of the docker."""
    _docker().findChild(QAbstractButton, name).setChecked(checked)


def exists(name):
    """Whether the docker has a widget of that name."""
    return _docker().findChild(QWidget, name) is not None


def reveal(name):
    """Scroll until a widget of a docker is to be seen."""
    found = around = _any(name)
    QApplication.processEvents()
    while (around := around.parentWidget()) is not None:
        if isinstance(around, QScrollArea):
            around.ensureWidgetVisible(found)
            QApplication.processEvents()
            return


def choose(name, text):
    """Choose from a list of the docker."""
    field = _docker().findChild(QComboBox, name)
    field.setFocus()
    field.setCurrentIndex(field.findText(text))


def live():
    """What the live docker says."""
    notice = _any("latent_bridge_live_error")
    shown = lambda name: _any(f"latent_bridge_live_error_{name}").text() if notice.isVisible() else ""  # noqa: E731
    canvases = _any("latent_bridge_canvases")
    return {
        "on": _any("latent_bridge_live").isChecked(),
        "text": _any("latent_bridge_live_text").text(),
        "error": shown("text"),
        "hint": shown("hint"),
        "selected": _any("latent_bridge_live_selected").isChecked(),
        "canvases": [canvases.itemText(row) for row in range(canvases.count())] if canvases.isEnabled() else [],
        "share": _any("latent_bridge_share_canvas").text(),
    }


def set_live_on_canvas(wanted):
    """Wish for the live picture on the canvas, or no longer."""
    _any("latent_bridge_live_on_canvas").setChecked(wanted)


def overlay():
    """Place on the screen of the live picture over the canvas; None while there is none."""
    window = KRITA.activeWindow().qwindow()
    shown = [each for each in window.findChildren(QWidget, "latent_bridge_live_overlay") if each.isVisible()]
    if not shown:
        return None
    place = shown[0]._place
    corner = shown[0].mapToGlobal(QPoint(round(place.x()), round(place.y())))
    return [corner.x(), corner.y(), round(place.width()), round(place.height())]


def choose_canvas(name):
    """Choose a canvas in the live docker's list."""
    canvases = _any("latent_bridge_canvases")
    canvases.setCurrentIndex(canvases.findText(name))


def grab(name, path):
    """Keep a picture of a widget."""
    return _any(name).grab().save(path)


def is_dock(name):
    """Whether there is a docker of that name in the main window."""
    return any(dock.objectName() == name for dock in KRITA.activeWindow().qwindow().findChildren(QDockWidget))


def trigger(action):
    """Run an action, as a shortcut bound to it would."""
    KRITA.action(action).trigger()


def has_action(action):
    """Whether shortcuts can be bound to an action of that name."""
    return KRITA.action(action) is not None


# Documents.


def new_document(name, width, height, model="RGBA", depth="U8", profile="", empty=False, resolution=72.0):
    """A document with a picture in its background layer, if not `empty`; becomes the one in front."""
    document = KRITA.createDocument(width, height, name, model, depth, profile, resolution)
    document.setBatchmode(True)
    KRITA.activeWindow().addView(document)
    base = document.topLevelNodes()[0]
    if (model, depth) != ("RGBA", "U8"):
        base.setColorSpace("RGBA", "U8", SRGB)
    if not empty:
        base.setPixelData(QByteArray(_picture(width, height)), 0, 0, width, height)
    document.refreshProjection()
    document.waitForDone()
    document.setModified(False)
    return document.name()


def _picture(width, height):
    """BGRA: gradients with a coarse chequered pattern; no two parts are alike."""
    lights = [[40 if (x // 16 + phase) % 2 else 0 for x in range(width)] for phase in (0, 1)]
    blues = [bytes(60 + light for light in row) for row in lights]
    reds = bytes(60 + x * 150 // width for x in range(width))
    row = bytearray(b"\xff" * (4 * width))
    row[2::4] = reds
    rows = []
    for y in range(height):
        row[0::4] = blues[y // 16 % 2]
        row[1::4] = bytes((40 + y * 150 // height,)) * width
        rows.append(bytes(row))
    return b"".join(rows)


def _document(name=None):
    if name is None:
        return KRITA.activeDocument()
    return next(document for document in KRITA.documents() if document.name() == name)


def activate(name):
    """Bring a document to the front."""
    document = _document(name)
    for view in KRITA.activeWindow().views():
        if view.document() == document:
            KRITA.activeWindow().showView(view)
            view.setVisible()
    return KRITA.activeDocument().name()


def active():
    """Name of the document in front."""
    document = KRITA.activeDocument()
    return document.name() if document is not None else None


def close_document(name):
    """Close a document without saving."""
    document = _document(name)
    document.waitForDone()
    document.setModified(False)
    return document.close()


def select_rectangle(x, y, width, height):
    """Select a hard rectangle."""
    selection = Selection()
    selection.select(x, y, width, height, 255)
    _document().setSelection(selection)


def select_soft_ellipse(x, y, width, height):
    """Select an ellipse whose outer half fades from 255 to 0."""
    values = bytearray()
    for row in range(height):
        for column in range(width):
            across = (column + 0.5 - width / 2) / (width / 2)
            down = (row + 0.5 - height / 2) / (height / 2)
            distance = (across * across + down * down) ** 0.5
            values.append(max(0, min(255, round((1 - distance) * 2 * 255))))
    selection = Selection()
    selection.setPixelData(QByteArray(bytes(values)), x, y, width, height)
    _document().setSelection(selection)


def deselect():
    """Select nothing."""
    _document().setSelection(None)


def selection():
    """Bounds of the selection; None when there is none."""
    found = _document().selection()
    return None if found is None else [found.x(), found.y(), found.width(), found.height()]


def use_tool(name):
    """Take up a tool and show the whole document."""
    KRITA.action(name).trigger()
    KRITA.action("zoom_to_100pct").trigger()


def canvas():
    """Place of the canvas widget on the screen."""
    window = KRITA.activeWindow().qwindow()
    for found in window.findChildren(QWidget):
        if found.metaObject().className() in CANVASES and found.isVisible():
            corner = found.mapToGlobal(QPoint(0, 0))
            return [corner.x(), corner.y(), found.width(), found.height()]
    return None


def layers(name=None):
    """Layers from the bottom to the top: name, bounds, colour model and depth."""
    document = _document(name)
    document.waitForDone()
    found = []
    for node in document.topLevelNodes():
        if node.type() != "paintlayer":
            continue
        bounds = node.bounds()
        found.append(
            {
                "name": node.name(),
                "bounds": [bounds.x(), bounds.y(), bounds.width(), bounds.height()],
                "model": node.colorModel(),
                "depth": node.colorDepth(),
            }
        )
    return found


def layer_pixels(layer, path, name=None):
    """Write a layer's own pixels, of the size of the document, to a file."""
    document = _document(name)
    node = next(node for node in document.topLevelNodes() if node.name() == layer)
    with open(path, "wb") as file:
        file.write(node.pixelData(0, 0, document.width(), document.height()).data())


def tree(name=None):
    """Top-level nodes from the bottom to the top."""
    document = _document(name)
    document.waitForDone()
    return [
        {
            "name": node.name(),
            "type": node.type(),
            "visible": node.visible(),
            "locked": node.locked(),
            "visible_children": [child.visible() for child in node.childNodes()],
        }
        for node in document.topLevelNodes()
        if node.type() != "selectionmask"
    ]


def activate_layer(name):
    """Make a layer the active one."""
    document = _document()
    document.setActiveNode(next(node for node in document.topLevelNodes() if node.name() == name))
    document.waitForDone()


def rename_layer(index, name):
    """Give a layer another name, by its place among the paint layers."""
    document = _document()
    document.waitForDone()
    [node for node in document.topLevelNodes() if node.type() == "paintlayer"][index].setName(name)


def add_paint(name, x, y, width, height):
    """A layer with a rectangle of the usual picture in it, above all others."""
    document = _document()
    node = document.createNode(name, "paintlayer")
    node.setPixelData(QByteArray(_picture(width, height)), x, y, width, height)
    document.rootNode().addChildNode(node, None)
    document.refreshProjection()
    document.waitForDone()


def paint_on(name, x, y, width, height):
    """A rectangle of the usual picture on a layer that is there."""
    document = _document()
    node = next(node for node in document.topLevelNodes() if node.name() == name)
    node.setPixelData(QByteArray(_picture(width, height)), x, y, width, height)
    document.refreshProjection()
    document.waitForDone()


def annotation(name=None):
    """What the plugin has written into a document."""
    return bytes(_document(name).annotation("latent_bridge")).decode()


def remove_layer(name):
    """Take a layer out."""
    document = _document()
    next(node for node in document.topLevelNodes() if node.name() == name).remove()
    document.waitForDone()


def to_depth(model, depth):
    """Convert the document to another colour model and depth, and give it pixels that 8 bits cannot hold."""
    document = _document()
    document.setColorSpace(model, depth, "")
    document.waitForDone()
    if depth == "U16":
        node = document.topLevelNodes()[0]
        data = bytearray(node.pixelData(0, 0, document.width(), document.height()).data())
        data[0::8] = bytes(number % 251 for number in range(len(data) // 8))
        node.setPixelData(QByteArray(bytes(data)), 0, 0, document.width(), document.height())
        document.refreshProjection()
        document.waitForDone()


def raw_pixels(path):
    """Write the document's own bytes to a file; returns size, colour model and depth."""
    document = _document()
    document.waitForDone()
    with open(path, "wb") as file:
        file.write(document.pixelData(0, 0, document.width(), document.height()).data())
    return [document.width(), document.height(), document.colorModel(), document.colorDepth()]


def save_as(path):
    """Save the document."""
    document = _document()
    document.setBatchmode(True)
    return document.saveAs(path)


def strip():
    """Prompt and seed of every thumbnail, from the left."""
    found = _docker().findChild(QListWidget, "latent_bridge_history")
    tips = [found.item(row).toolTip().rsplit("\nseed ", 1) for row in range(found.count())]
    return [[prompt, int(seed)] for prompt, seed in tips]


def focus_strip():
    """Let the first thumbnail have the keyboard."""
    found = _docker().findChild(QListWidget, "latent_bridge_history")
    found.setCurrentRow(0)
    found.setFocus()


def thumbnail(row):
    """The middle of a thumbnail, on the screen."""
    found = _docker().findChild(QListWidget, "latent_bridge_history")
    point = found.viewport().mapToGlobal(found.visualItemRect(found.item(row)).center())
    return [point.x(), point.y()]


def completions():
    """What the list of completions offers; None when it is closed."""
    popup = _any("latent_bridge_prompt").completer.popup()
    if not popup.isVisible():
        return None
    return [popup.model().index(row, 0).data() for row in range(popup.model().rowCount())]


def menu_entry(text):
    """The middle of an entry of the menu that is open, on the screen; None when there is none."""
    menu = QApplication.activePopupWidget()
    if not isinstance(menu, QMenu):
        return None
    entry = next((each for each in menu.actions() if each.text().replace("&", "") == text), None)
    if entry is None:
        return None
    point = menu.mapToGlobal(menu.actionGeometry(entry).center())
    return [point.x(), point.y()]


def clipboard():
    """Text of the clipboard."""
    return QApplication.clipboard().text()


def export_png(path, name=None):
    """Export a document to a PNG."""
    from krita import InfoObject

    document = _document(name)
    document.setBatchmode(True)
    document.refreshProjection()
    document.waitForDone()
    options = InfoObject()
    options.setProperty("alpha", True)
    options.setProperty("compression", 1)
    options.setProperty("saveAsHDR", False)
    return document.exportImage(path, options)


def size():
    """Width and height of the document in front."""
    return [_document().width(), _document().height()]


def undo_steps():
    """Text of the step that Undo would take back."""
    return KRITA.action("edit_undo").text()


def documents():
    """Names of all documents."""
    return [document.name() for document in KRITA.documents()]


def quit():  # noqa: A001 - the command's name
    """Leave Krita without saving anything. Answers first."""
    for document in KRITA.documents():
        document.waitForDone()
    QTimer.singleShot(300, _quit)


def _quit():
    for document in KRITA.documents():
        document.waitForDone()
        document.setModified(False)
        document.close()
    KRITA.action("file_quit").trigger()


def quit_now():
    """Leave Krita at once, whatever is under way. Answers first."""
    QTimer.singleShot(0, lambda: KRITA.action("file_quit").trigger())
