"""Daemon and clients agree on where things lie."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from bridge.protocol import locations


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    for name in (locations.HOME_VARIABLE, "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv(locations.TOKEN_FILE_VARIABLE, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


def test_one_variable_puts_everything_below_one_folder(monkeypatch, tmp_path):
    monkeypatch.setenv(locations.HOME_VARIABLE, str(tmp_path / "own"))
    folders = (locations.runtime_folder(), locations.config_folder(), locations.data_folder())
    assert folders == tuple(tmp_path / "own" / name for name in ("runtime", "config", "data"))


@pytest.mark.parametrize(
    ("platform", "config", "data"),
    [
        ("linux", ".config/latent-bridge", ".local/share/latent-bridge"),
        ("darwin", "Library/Application Support/latent-bridge", "Library/Application Support/latent-bridge"),
        ("win32", "AppData/Local/latent-bridge", "AppData/Local/latent-bridge"),
    ],
)
def test_without_variables_it_is_where_the_system_keeps_such_things(monkeypatch, bare, platform, config, data):
    monkeypatch.setattr(sys, "platform", platform)
    assert locations.config_folder() == bare / config
    assert locations.data_folder() == bare / data
    assert locations.runtime_folder() == bare / config


def test_windows_and_xdg_variables_are_followed(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert locations.config_folder() == tmp_path / "local" / "latent-bridge"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "c"))
    monkeypatch.setenv("XDG_DATA_HOME", "relative")  # to be ignored, says the specification
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert locations.config_folder() == tmp_path / "c" / "latent-bridge"
    assert locations.data_folder() == tmp_path / ".local/share/latent-bridge"
    assert locations.runtime_folder() == tmp_path / "latent-bridge"


def test_a_runtime_folder_that_does_not_exist_is_not_used(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    assert locations.runtime_folder() == locations.config_folder()


def test_a_discovery_file_is_read_as_it_was_written_and_only_its_user_may_look(tmp_path):
    path = tmp_path / "runtime" / locations.DISCOVERY_NAME
    found = locations.Discovery("ws://127.0.0.1:1/v1", 7, "/somewhere/token")
    found.write(path)
    assert locations.read_discovery(path) == found
    assert [entry.name for entry in path.parent.iterdir()] == [locations.DISCOVERY_NAME]
    if sys.platform != "win32":
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_token_file_may_be_named_by_a_variable(monkeypatch, tmp_path):
    assert locations.token_file() == locations.config_folder() / "token"
    monkeypatch.setenv(locations.TOKEN_FILE_VARIABLE, str(tmp_path / "mine"))
    assert locations.token_file() == tmp_path / "mine"
