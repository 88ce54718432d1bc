# SPDX-License-Identifier: GPL-3.0-or-later
"""The strip of thumbnails: this document's results."""

from __future__ import annotations

from .controller import Controller
from .history import Entry, History
from .qt import (
    QAbstractItemView,
    QApplication,
    QIcon,
    QListView,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QSize,
    Qt,
    QTimer,
    QWidget,
)
from .thumbnails import pixmap_of

ICON_SIDE = 56
HEIGHT = ICON_SIDE + 26


class HistoryStrip(QListWidget):
    """Click compares on the canvas, double-click applies, dragging orders, Delete forgets, a menu has the rest."""

    def __init__(self, controller: Controller, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("latent_bridge_history")
        self.setAccessibleName("Results")
        self.setAccessibleDescription("Return applies, Space compares, Delete forgets.")
        self._controller = controller
        self._gallery = controller.gallery
        self._look_like_a_strip()
        self.itemClicked.connect(lambda item: self._gallery.compare(_key(item)))
        self.itemDoubleClicked.connect(lambda item: self._gallery.apply(_key(item)))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self._gallery.changed.connect(self.show_history)
        self.show_history(self._gallery.history)

    def _look_like_a_strip(self) -> None:
        # In its mode for icons a view moves pictures about without giving the rows another order.
        self.setViewMode(QListView.ViewMode.ListMode)
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setIconSize(QSize(ICON_SIDE, ICON_SIDE))
        self.setSpacing(2)
        self.setFixedHeight(HEIGHT)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def show_history(self, history: History) -> None:
        """Show these results; nothing at all where there are none."""
        keys = [entry.key for entry in history.results]
        if keys != [_key(self.item(row)) for row in range(self.count())]:
            self.clear()
            for entry in history.results:
                self.addItem(self._item(entry))
        self.setVisible(bool(keys))

    def _item(self, entry: Entry) -> QListWidgetItem:
        item = QListWidgetItem(QIcon(pixmap_of(entry.thumbnail)), "")
        item.setToolTip(f"{entry.prompt or 'no prompt'}\nseed {entry.seed}")
        item.setData(Qt.ItemDataRole.UserRole, list(entry.key))
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.prompt}, seed {entry.seed}")
        return item

    def dropEvent(self, event) -> None:
        super().dropEvent(event)
        QTimer.singleShot(0, self._ordered)  # the row has only left its former place once the drag is over

    def _ordered(self) -> None:
        self._gallery.order([_key(self.item(row)) for row in range(self.count())])

    def keyPressEvent(self, event) -> None:
        item = self.currentItem()
        actions = {
            Qt.Key.Key_Delete: self._gallery.delete,
            Qt.Key.Key_Return: self._gallery.apply,
            Qt.Key.Key_Space: self._gallery.compare,
        }
        action = actions.get(event.key())
        if item is not None and action is not None:
            action(_key(item))
            return
        super().keyPressEvent(event)

    def event(self, event) -> bool:
        # Krita's own shortcuts would take Delete and Space otherwise.
        keys = (Qt.Key.Key_Delete, Qt.Key.Key_Return, Qt.Key.Key_Space)
        if event.type() == event.Type.ShortcutOverride and event.key() in keys:
            event.accept()
            return True
        return super().event(event)

    def _show_menu(self, position) -> None:
        item = self.itemAt(position)
        entry = self._gallery.history.find(_key(item)) if item is not None else None
        if entry is None:
            return
        menu = QMenu(self)
        menu.addAction("Apply").triggered.connect(lambda: self._gallery.apply(entry.key))
        menu.addAction("Compare").triggered.connect(lambda: self._gallery.compare(entry.key))
        menu.addAction("Use its recipe").triggered.connect(lambda: self._controller.use_recipe(entry))
        menu.addAction("Copy recipe").triggered.connect(lambda: _copy(entry))
        menu.addAction("Delete").triggered.connect(lambda: self._gallery.delete(entry.key))
        menu.popup(self.mapToGlobal(position))


def _key(item: QListWidgetItem) -> tuple[str, int]:
    job_id, index = item.data(Qt.ItemDataRole.UserRole)
    return job_id, index


def _copy(entry: Entry) -> None:
    QApplication.clipboard().setText(entry.recipe_text)
