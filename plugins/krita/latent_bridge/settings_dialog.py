# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings: which daemon, how to reach it, and whether it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .bridge_thread import in_background
from .connection_trial import Trial, try_out
from .controller import Controller
from .daemon_choice import DaemonChoice
from .host import Host
from .qt import (
    QCheckBox,
    QDesktopServices,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QRadioButton,
    Qt,
    QUrl,
    QVBoxLayout,
    QWidget,
    pyqtSignal,
)
from .vendored import errors, load_starter, locations
from .widgets import Notice, small_button, text_line

WIDTH = 440
CERTIFICATE_HINT = "Copy the file here that the daemon was started with as --tls-cert, and choose it as Certificate."


class SettingsOpener:
    """Shows the dialog over Krita's main window, one at a time; the settings saved there come into force.

    It holds on to the dialog. Qt's parents do not count for Python: a dialog that nothing else holds is garbage to it,
    slots and all, though it is still shown, and the next press in it would end Krita.
    """

    def __init__(self, host: Host, controller: Controller, client_name: str) -> None:
        self._host, self._controller, self._client_name = host, controller, client_name
        self._dialog: SettingsDialog | None = None

    def show(self) -> None:
        """Open the dialog, or bring the open one to the front."""
        if self._dialog is None:
            self._dialog = self._make()
        self._dialog.open()
        self._dialog.raise_()

    def _make(self) -> SettingsDialog:
        log = locations.runtime_folder() / load_starter().LOG_NAME
        use, window = self._controller.use_daemon, self._host.main_window()
        dialog = SettingsDialog(self._controller.choice, log, self._client_name, use, window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.finished.connect(self._forget)
        return dialog

    def _forget(self, _result: int = 0) -> None:
        self._dialog = None


class SettingsDialog(QDialog):
    """Shows a choice, lets it be tried, and gives the new one to `save`.

    Args:
        choice: what is in force.
        log: where the daemon of this computer writes what it does.
        client_name: who tries the connection.
        save: told the new choice.
    """

    _tried = pyqtSignal(object)

    def __init__(
        self, choice: DaemonChoice, log: Path, client_name: str, save: Callable[[DaemonChoice], None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("latent_bridge_settings_dialog")
        self.setWindowTitle("Latent Bridge: Settings")
        self.setMinimumWidth(WIDTH)
        self._log, self._client_name, self._save = log, client_name, save
        self._make_place()
        self._make_trial()
        self._lay_out()
        self._fill(choice)
        self._connect()

    def _make_place(self) -> None:
        self.local = QRadioButton("On this computer, found by itself", self)
        self.remote = QRadioButton("On another computer", self)
        self.starts = QCheckBox("Start it together with Krita", self)
        self.address = QLineEdit(self)
        self.address.setPlaceholderText("wss://studio.example:47860")
        self.token = QLineEdit(self)
        self.token.setEchoMode(QLineEdit.EchoMode.PasswordEchoOnEdit)
        self.certificate = QLineEdit(self)
        self.certificate.setPlaceholderText("only if it is signed by nobody whom this computer knows")
        self.browse = small_button("Choose…", "certificate_browse", "Choose the file of the certificate", self)
        self.open_log = small_button("Open its Log", "open_log", f"Show {self._log}", self)
        described = (
            (self.local, "settings_local", "Daemon on this computer", "It is found whatever its port is."),
            (self.remote, "settings_remote", "Daemon on another computer", "It is reached by TLS, with its token."),
            (self.starts, "settings_starts", "Start with Krita", "Start the daemon when Krita starts, if need be."),
            (self.address, "settings_address", "Address", "host:port or wss://host:port; a port of its own is 47860."),
            (
                self.token,
                "settings_token",
                "Token",
                "The text in its token file; `latent-bridge doctor` says there where that is.",
            ),
            (
                self.certificate,
                "settings_certificate",
                "Certificate",
                "A PEM file: the daemon's own certificate, or the authority that signed it.",
            ),
        )
        for widget, name, title, description in described:
            widget.setObjectName(f"latent_bridge_{name}")
            widget.setAccessibleName(title)
            widget.setAccessibleDescription(description)
            widget.setToolTip(description)

    def _make_trial(self) -> None:
        self.test = small_button("Test Connection", "settings_test", "Connect, and say what is found", self)
        self.found = text_line("settings_found", "What the test found", self)
        self.notice = Notice("latent_bridge_settings_error", self)
        kinds = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kinds.Save | kinds.Cancel, self)
        for kind, name in ((kinds.Save, "save"), (kinds.Cancel, "cancel")):
            self.buttons.button(kind).setObjectName(f"latent_bridge_settings_{name}")
        # Return in a field is for saving, not for whichever button comes first.
        for button in (self.browse, self.open_log, self.test):
            button.setAutoDefault(False)
        self.buttons.button(kinds.Save).setDefault(True)

    def _lay_out(self) -> None:
        here = QHBoxLayout()
        here.addWidget(self.starts, 1)
        here.addWidget(self.open_log)
        file = QHBoxLayout()
        file.addWidget(self.certificate, 1)
        file.addWidget(self.browse)
        fields = QFormLayout()
        fields.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        fields.addRow("&Address", self.address)
        fields.addRow("&Token", self.token)
        label = QLabel("Certi&ficate", self)
        label.setBuddy(self.certificate)
        fields.addRow(label, file)
        for indented in (here, fields):
            indented.setContentsMargins(22, 0, 0, 8)
        layout = QVBoxLayout(self)
        # As wide as their texts: they can be pressed nowhere else.
        layout.addWidget(self.local, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addLayout(here)
        layout.addWidget(self.remote, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addLayout(fields)
        layout.addWidget(self.test)
        layout.addWidget(self.found)
        layout.addWidget(self.notice)
        layout.addStretch(1)
        layout.addWidget(self.buttons)

    def _fill(self, choice: DaemonChoice) -> None:
        (self.remote if choice.remote else self.local).setChecked(True)
        self.address.setText(choice.address)
        self.token.setText(choice.token)
        self.certificate.setText(choice.certificate)
        self.starts.setChecked(choice.starts)
        self._show_place()

    def _connect(self) -> None:
        self.remote.toggled.connect(self._show_place)
        self.browse.clicked.connect(lambda _checked=False: self._browse())
        self.open_log.clicked.connect(lambda _checked=False: self._open_log())
        self.test.clicked.connect(lambda _checked=False: self._try())
        self._tried.connect(self._show_trial)
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)

    def choice(self) -> DaemonChoice:
        """What is filled in."""
        return DaemonChoice(
            self.remote.isChecked(),
            self.address.text().strip(),
            self.token.text().strip(),
            self.certificate.text().strip(),
            self.starts.isChecked(),
        )

    def _show_place(self, *_: object) -> None:
        remote = self.remote.isChecked()
        for widget in (self.address, self.token, self.certificate, self.browse):
            widget.setEnabled(remote)
        for widget in (self.starts, self.open_log):
            widget.setEnabled(not remote)
        self._clear()

    def _clear(self) -> None:
        self.found.setText("")
        self.notice.show_text("", "")

    def _browse(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self, "The daemon's certificate", "", "PEM (*.pem *.crt *.cer);;All (*)"
        )
        if chosen:
            self.certificate.setText(chosen)

    def _open_log(self) -> None:
        if not self._log.is_file():
            self.notice.show_text(
                f"There is no {self._log}.",
                "It is written when the daemon is started from here; one that runs in a terminal writes there.",
            )
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._log))):
            self.notice.show_text("Nothing on this computer opens the log.", f"It is {self._log}.")

    def _accept(self) -> None:
        choice = self.choice()
        if choice.missing:
            self.notice.show_text(choice.missing, "")
            return
        try:
            self._save(choice)
        except errors.BridgeError as error:
            self.notice.show_text(error.message, error.hint)
            return
        self.accept()

    def _try(self) -> None:
        choice = self.choice()
        self._clear()
        if choice.missing:
            self.notice.show_text(choice.missing, "")
            return
        self.test.setEnabled(False)
        self.found.setText("Connecting…")
        in_background(lambda: self._tried.emit((choice, try_out(choice, self._client_name))), "settings")

    def _show_trial(self, answer: tuple[DaemonChoice, Trial]) -> None:
        choice, trial = answer
        self.test.setEnabled(True)
        self._clear()
        if choice != self.choice():
            return  # it was about something else
        self.found.setText("\n".join(trial.lines))
        if trial.error is not None:
            untrusted = trial.error.code is errors.ErrorCode.UNTRUSTED and not choice.certificate
            self.notice.show_text(trial.error.message, CERTIFICATE_HINT if untrusted else trial.error.hint)
        # Grown rather than squeezed: texts that wrap ask for their height too late.
        self.resize(self.width(), max(self.height(), self.layout().totalHeightForWidth(self.width())))
