# SPDX-License-Identifier: GPL-3.0-or-later
"""A heading that folds what is below it away."""

from __future__ import annotations

from .qt import Qt, QToolButton, QWidget


class Fold(QToolButton):
    """Shows and hides a widget; hidden at first."""

    def __init__(self, title: str, name: str, content: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self._content = content
        self.setText(title)
        self.setObjectName(f"latent_bridge_{name}")
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.toggled.connect(self._unfold)
        self._unfold(False)

    def _unfold(self, unfolded: bool) -> None:
        self.setArrowType(Qt.ArrowType.DownArrow if unfolded else Qt.ArrowType.RightArrow)
        self._content.setVisible(unfolded)
