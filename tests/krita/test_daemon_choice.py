"""Which daemon Krita works with, as it is remembered and as the client is told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from latent_bridge.daemon_choice import KEY, DaemonChoice, load_choice, save_choice, token_file

from bridge.protocol import locations
from bridge.protocol.errors import BridgeError

REMOTE = DaemonChoice(True, "studio:47860", "secret", "/home/me/studio.pem")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(locations.HOME_VARIABLE, str(tmp_path))
    return tmp_path


def saved(choice: DaemonChoice) -> str:
    kept: dict[str, str] = {}
    save_choice(choice, lambda _group, key, value: kept.update({key: value}))
    return kept[KEY]


def loaded(text: str) -> DaemonChoice:
    return load_choice(lambda _group, key, default: text if key == KEY else default)


def test_what_was_saved_is_loaded():
    assert loaded(saved(REMOTE)) == REMOTE


def test_the_token_is_not_among_kritas_settings_but_where_only_its_user_reads_it():
    assert "secret" not in saved(REMOTE)
    assert token_file().read_text() == "secret"
    assert os.name != "posix" or token_file().stat().st_mode & 0o077 == 0


def test_a_token_that_cannot_be_kept_is_told_and_changes_nothing(home: Path):
    (home / "config").write_text("a file where the folder should be")
    with pytest.raises(BridgeError, match="cannot be kept"):
        saved(REMOTE)


def test_a_choice_without_a_token_needs_no_file(home: Path):
    saved(DaemonChoice(starts=True))
    assert not list(home.iterdir())


@pytest.mark.parametrize("text", ["", "[]", "nonsense", json.dumps({"remote": "yes", "token": 7, "other": 1})])
def test_what_cannot_be_read_is_the_daemon_of_this_computer(text: str):
    assert loaded(text) == DaemonChoice()


def test_that_of_this_computer_is_found_by_itself_whatever_else_is_filled_in():
    choice = DaemonChoice(False, "studio", "secret", "file.pem")
    assert (choice.arguments(), choice.missing, choice.elsewhere) == ({}, "", "")


def test_one_elsewhere_is_named_with_all_that_it_needs():
    assert REMOTE.arguments() == {
        "address": "wss://studio:47860",
        "token": "secret",
        "certificate": "/home/me/studio.pem",
    }
    assert REMOTE.elsewhere == "studio:47860"


def test_without_a_certificate_the_systems_authorities_count():
    assert "certificate" not in DaemonChoice(True, "wss://studio", "secret").arguments()


def test_the_token_of_this_computer_never_goes_elsewhere():
    assert DaemonChoice(True, "studio").arguments()["token"] == ""
    assert "token" in DaemonChoice(True, "studio").missing


def test_an_address_is_asked_for():
    assert "address" in DaemonChoice(True).missing


def test_the_token_is_in_no_message():
    assert "secret" not in repr(REMOTE)
