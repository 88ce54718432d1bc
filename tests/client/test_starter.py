"""Starting a daemon in the background, as a plugin does from a host's own Python."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from bridge.client import connect
from bridge.client.starter import (
    INSTALLED_NAME,
    daemon_command,
    installed_python,
    is_alive,
    remember_executable,
    start_daemon,
)
from bridge.protocol import locations
from bridge.protocol.errors import BridgeError, ErrorCode


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(locations.HOME_VARIABLE, str(tmp_path))
    for name in (locations.TOKEN_VARIABLE, locations.TOKEN_FILE_VARIABLE, locations.PORT_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_where_nothing_was_ever_installed_the_error_says_what_to_run():
    assert installed_python() is None
    with pytest.raises(BridgeError) as caught:
        daemon_command()
    assert "latent-bridge serve" in caught.value.hint


def test_the_python_of_the_daemon_is_remembered_until_it_is_gone(home):
    remember_executable()
    assert installed_python() == sys.executable
    assert daemon_command(("--port", "0"))[0] == sys.executable
    remember_executable(str(home / "removed"))
    assert installed_python() is None


@pytest.mark.parametrize("damaged", ["", "[]", "{}", '{"python": 5}', "\x00"])
def test_a_damaged_note_counts_as_none(home, damaged):
    (home / "config").mkdir()
    (home / "config" / INSTALLED_NAME).write_text(damaged)
    assert installed_python() is None


def test_a_daemon_is_started_once_and_outlives_who_started_it(home, monkeypatch):
    # What a host's own Python exports must not reach the daemon's Python.
    monkeypatch.setenv("PYTHONHOME", str(home / "nonsense"))
    python = f"{sys.prefix}/bin/../bin/python" if os.name == "posix" else sys.executable
    command = daemon_command(("--port", "0"), python=python)
    found = start_daemon(command)
    try:
        assert is_alive(found.pid)
        assert start_daemon(command) == found
        with connect() as bridge:
            assert bridge.welcome.daemon.startswith("latent-bridge")
    finally:
        os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while locations.read_discovery() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_where_somebody_else_has_the_usual_port_it_takes_another_one(home, monkeypatch):
    with socket.socket() as other:
        other.bind((locations.DEFAULT_HOST, 0))
        other.listen()
        monkeypatch.setattr(locations, "DEFAULT_PORT", other.getsockname()[1])
        remember_executable()
        found = start_daemon()
    try:
        assert not found.url.endswith(f":{locations.DEFAULT_PORT}{locations.WEBSOCKET_PATH}")
        with connect() as bridge:
            assert bridge.welcome.daemon.startswith("latent-bridge")
    finally:
        os.kill(found.pid, signal.SIGTERM)


def test_a_daemon_that_ends_at_once_is_an_error_with_its_last_words_and_its_log(home):
    command = [sys.executable, "-c", "import sys; sys.exit('no engine here')"]
    with pytest.raises(BridgeError) as caught:
        start_daemon(command)
    assert caught.value.code is ErrorCode.NOT_CONNECTED
    assert "no engine here" in caught.value.message
    assert "daemon.log" in caught.value.hint


def test_a_daemon_that_never_listens_is_given_up(home):
    with pytest.raises(BridgeError, match="does not listen"):
        start_daemon([sys.executable, "-c", "import time; time.sleep(3)"], timeout=0.3)


def test_a_command_that_does_not_exist_is_an_error_in_words(home):
    with pytest.raises(BridgeError, match="cannot be run"):
        start_daemon([str(home / "nonesuch")])


def test_a_discovery_file_left_by_a_killed_daemon_does_not_count(home):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    locations.Discovery("ws://127.0.0.1:1/v1", gone.pid).write(locations.discovery_file())
    assert not is_alive(gone.pid)
    with pytest.raises(BridgeError, match="ended with status 3"):
        start_daemon([sys.executable, "-c", "raise SystemExit(3)"])


def test_the_note_is_json_with_the_python_alone(home):
    remember_executable("/somewhere/python")
    assert json.loads((home / "config" / INSTALLED_NAME).read_text()) == {"python": "/somewhere/python"}
