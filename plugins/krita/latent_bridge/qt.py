# SPDX-License-Identifier: GPL-3.0-or-later
"""Qt, in the edition that this Krita was built with. Every Qt import of the plugin goes through here.

Krita's own module has loaded its edition of PyQt before any plugin runs. Trying imports instead would be dangerous:
a PyQt6 that happens to be installed would bring a second Qt into a Krita made with Qt 5.
Enumerations are written scoped (`Qt.Key.Key_Return`), which both editions understand.
"""

import sys

if "PyQt6.QtCore" in sys.modules:
    from PyQt6.QtCore import QByteArray, QEvent, QObject, QSize, Qt, QTimer, QUrl, pyqtSignal
    from PyQt6.QtGui import QDesktopServices, QImage, QKeySequence, QRegularExpressionValidator
    from PyQt6.QtWidgets import (
        QApplication,
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
    from PyQt5.QtCore import QByteArray, QEvent, QObject, QSize, Qt, QTimer, QUrl, pyqtSignal
    from PyQt5.QtGui import QDesktopServices, QImage, QKeySequence, QRegularExpressionValidator
    from PyQt5.QtWidgets import (
        QApplication,
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
    "QApplication",
    "QByteArray",
    "QCheckBox",
    "QComboBox",
    "QDesktopServices",
    "QEvent",
    "QFrame",
    "QGridLayout",
    "QHBoxLayout",
    "QImage",
    "QKeySequence",
    "QLabel",
    "QLineEdit",
    "QObject",
    "QPlainTextEdit",
    "QProgressBar",
    "QPushButton",
    "QRegularExpressionValidator",
    "QScrollArea",
    "QSize",
    "QSizePolicy",
    "QSlider",
    "QSpinBox",
    "QTimer",
    "QUrl",
    "QVBoxLayout",
    "QWidget",
    "Qt",
    "pyqtSignal",
]
