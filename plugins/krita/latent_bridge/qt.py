# SPDX-License-Identifier: GPL-3.0-or-later
"""Qt, in the edition that this Krita was built with. Every Qt import of the plugin goes through here.

Krita's own module has loaded its edition of PyQt before any plugin runs. Trying imports instead would be dangerous:
a PyQt6 that happens to be installed would bring a second Qt into a Krita made with Qt 5.
Enumerations are written scoped (`Qt.Key.Key_Return`), which both editions understand.
"""

import sys

if "PyQt6.QtCore" in sys.modules:
    from PyQt6.QtCore import QByteArray, QEvent, QObject, Qt, pyqtSignal
    from PyQt6.QtGui import QColor, QImage
    from PyQt6.QtWidgets import (
        QCheckBox,
        QComboBox,
        QFrame,
        QGridLayout,
        QHBoxLayout,
        QLabel,
        QLineEdit,
        QPlainTextEdit,
        QProgressBar,
        QPushButton,
        QScrollArea,
        QSizePolicy,
        QSlider,
        QSpinBox,
        QVBoxLayout,
        QWidget,
    )
else:
    from PyQt5.QtCore import QByteArray, QEvent, QObject, Qt, pyqtSignal
    from PyQt5.QtGui import QColor, QImage
    from PyQt5.QtWidgets import (
        QCheckBox,
        QComboBox,
        QFrame,
        QGridLayout,
        QHBoxLayout,
        QLabel,
        QLineEdit,
        QPlainTextEdit,
        QProgressBar,
        QPushButton,
        QScrollArea,
        QSizePolicy,
        QSlider,
        QSpinBox,
        QVBoxLayout,
        QWidget,
    )

__all__ = [
    "QByteArray",
    "QCheckBox",
    "QColor",
    "QComboBox",
    "QEvent",
    "QFrame",
    "QGridLayout",
    "QHBoxLayout",
    "QImage",
    "QLabel",
    "QLineEdit",
    "QObject",
    "QPlainTextEdit",
    "QProgressBar",
    "QPushButton",
    "QScrollArea",
    "QSizePolicy",
    "QSlider",
    "QSpinBox",
    "QVBoxLayout",
    "QWidget",
    "Qt",
    "pyqtSignal",
]
