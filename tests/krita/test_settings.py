"""The settings dialog by mouse and keyboard, against a daemon behind TLS as on another computer."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.client.starter import LOG_NAME, is_alive, remember_executable
from bridge.protocol import locations
from tests.certificates import make_certificate

from .conftest import ARTEFACTS
from .harness.running import RunningKrita
from .scenes import fill_form, fresh_document, generate, wait_done

pytestmark = pytest.mark.krita

DIALOG = "latent_bridge_settings_dialog"


@dataclass(frozen=True)
class Elsewhere:
    """What somebody knows of a daemon on another computer."""

    address: str
    token: str
    certificate: str


@pytest.fixture(scope="module")
def elsewhere(daemon_factory, tiny_model, tmp_path_factory) -> Elsewhere:
    """A daemon behind TLS that no discovery file of Krita's user tells of, and a copy of its certificate."""
    folder = tmp_path_factory.mktemp("tls")
    certificate = make_certificate(folder / "files", "DNS:studio.example")
    copy = shutil.copy(certificate.path, folder / "copy.pem")
    daemon = daemon_factory(
        "--model", str(tiny_model), "--tls-cert", str(certificate.path), "--tls-key", str(certificate.key)
    )
    return Elsewhere(daemon.url.split("://")[1].split("/")[0], daemon.token, str(copy))


@pytest.fixture(scope="module")
def own_home(tmp_path_factory) -> Path:
    """The home of a computer without a daemon."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> Path:
    """Where the desktop notes what it was asked to open; the desktop's own program cannot run here."""
    folder = tmp_path_factory.mktemp("desktop")
    program = folder / "xdg-open"
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > "{folder}/opened"\n')
    program.chmod(0o755)
    return folder / "opened"


@pytest.fixture(scope="module")
def krita(krita_factory, own_home: Path, opened: Path) -> Iterator[RunningKrita]:
    """A Krita on whose computer no daemon runs."""
    running = krita_factory(own_home, PATH=f"{opened.parent}:/usr/local/bin:/usr/bin:/bin")
    running.wait_text("connection", "not running")
    yield running
    running.kill()


@pytest.fixture
def dialog(krita: RunningKrita) -> Iterator[RunningKrita]:
    """The dialog, opened by the docker's button, asking for another computer; closed without saving."""
    open_dialog(krita)
    yield krita
    if krita.call("is_open", name=DIALOG):
        krita.click("settings_cancel")
        krita.until(lambda: not krita.call("is_open", name=DIALOG), "the dialog to close")
    krita.focus()


def open_dialog(krita: RunningKrita) -> None:
    krita.click("settings")
    krita.until(lambda: krita.call("is_open", name=DIALOG), "the dialog")
    krita.focus("settings_dialog")
    krita.click("settings_remote")
    krita.until(lambda: krita.widget("settings_address").enabled, "the fields of another computer")


def fill(krita: RunningKrita, address: str, token: str, certificate: str) -> None:
    """Fill the fields by keyboard alone, from the first one."""
    krita.click("settings_address")
    for number, text in enumerate((address, token, certificate)):
        if number:
            krita.key("Tab")
        krita.key("ctrl+a")
        krita.key("Delete")
        krita.type_text(text)
    krita.until(lambda: krita.widget("settings_certificate").text == certificate, "the typed fields")


def outcome(krita: RunningKrita) -> tuple[str, str, str]:
    """What the test of the connection says: what was found, what is wrong, and what to do."""
    krita.click("settings_test")

    def answered() -> bool:
        texts = [krita.widget(name).text for name in ("settings_found", "settings_error_text")]
        return texts[0] != "Connecting…" and any(texts)

    krita.until(answered, "the end of the test")
    names = ("settings_found", "settings_error_text", "settings_error_hint")
    return tuple(krita.widget(name).text for name in names)


def test_a_certificate_that_nobody_signed_is_told_and_the_way_out(dialog: RunningKrita, elsewhere: Elsewhere):
    fill(dialog, elsewhere.address, elsewhere.token, "")
    found, error, hint = outcome(dialog)
    assert not found
    assert "signed by nobody" in error
    assert "choose it as Certificate" in hint
    dialog.call("grab", name=DIALOG, path=str(ARTEFACTS / "settings_untrusted.png"))


def test_a_wrong_token_and_a_missing_file_are_told(dialog: RunningKrita, elsewhere: Elsewhere, tmp_path: Path):
    fill(dialog, elsewhere.address, "wrong", elsewhere.certificate)
    assert "token" in outcome(dialog)[1]
    fill(dialog, elsewhere.address, elsewhere.token, str(tmp_path / "gone.pem"))
    assert "gone.pem cannot be read" in outcome(dialog)[1]


def test_what_is_missing_is_told_before_anything_is_tried(dialog: RunningKrita):
    fill(dialog, "studio.example", "", "")
    dialog.click("settings_save")
    dialog.until(lambda: dialog.widget("settings_error_text").text, "the refusal")
    assert dialog.widget("settings_error_text").text == "The token is missing."
    assert dialog.call("is_open", name=DIALOG)


def test_the_log_is_opened_where_there_is_one(
    dialog: RunningKrita, own_home: Path, opened: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(locations.HOME_VARIABLE, str(own_home))
    log = locations.runtime_folder() / LOG_NAME
    dialog.click("settings_local")
    dialog.click("open_log")
    dialog.until(lambda: dialog.widget("settings_error_text").text == f"There is no {log}.", "the refusal")
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("ready\n")
    dialog.click("open_log")
    dialog.until(opened.exists, "the desktop to be asked")
    dialog.until(opened.read_text, "the file's name")
    assert opened.read_text() in (str(log), log.as_uri())


@pytest.fixture
def home(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same home, in which a daemon is installed now; one that was started meanwhile is ended."""
    monkeypatch.setenv(locations.HOME_VARIABLE, str(own_home))
    remember_executable(sys.executable)
    yield own_home
    found = locations.read_discovery()
    if found is not None and is_alive(found.pid):
        os.kill(found.pid, signal.SIGTERM)


def test_a_remote_daemon_is_tested_saved_used_and_remembered(krita: RunningKrita, elsewhere: Elsewhere, home: Path):
    open_dialog(krita)
    fill(krita, elsewhere.address, elsewhere.token, elsewhere.certificate)
    found, error, _ = outcome(krita)
    assert not error
    for wanted in ("Connected to latent-bridge", "Device:", "Round trip:", "bit/s to it"):
        assert wanted in found
    krita.screenshot(ARTEFACTS / "krita_settings.png")
    krita.call("grab", name=DIALOG, path=str(ARTEFACTS / "settings_tested.png"))
    krita.click("settings_address")
    krita.key("Return")
    krita.until(lambda: not krita.call("is_open", name=DIALOG), "the dialog to close")
    krita.focus()
    krita.wait_text("connection", "Connected to latent-bridge")
    assert elsewhere.address in krita.docker()["connection"]
    fresh_document(krita, "remote", 128, 96)
    fill_form(krita, "moss", steps=2)
    generate(krita)
    wait_done(krita)
    assert len(krita.call("layers")) == 2
    assert krita.quit() == 0
    assert elsewhere.token not in krita.profile.kritarc.read_text()

    again = RunningKrita(krita.profile, krita.display, LATENT_BRIDGE_HOME=str(home))
    try:
        again.call("show_docker", height=520)
        again.wait_text("connection", f"at {elsewhere.address}")
        again.call("trigger", action="latent_bridge_settings")
        again.until(lambda: again.call("is_open", name=DIALOG), "the dialog")
        assert again.widget("settings_token").text == elsewhere.token
        again.click("settings_local")
        again.click("settings_starts")
        again.click("settings_save")
        again.until(lambda: not again.call("is_open", name=DIALOG), "the dialog to close")
        again.wait_text("connection", "not running")
        assert again.docker()["start"]
        assert again.quit() == 0
    finally:
        again.kill()
    check_started_with_krita(again, home)


def check_started_with_krita(former: RunningKrita, home: Path) -> None:
    """The daemon of this computer is there without anybody having pressed anything."""
    krita = RunningKrita(former.profile, former.display, LATENT_BRIDGE_HOME=str(home))
    try:
        krita.wait_text("connection", "Connected to latent-bridge")
        assert locations.read_discovery() is not None
        assert krita.quit() == 0
    finally:
        krita.kill()
