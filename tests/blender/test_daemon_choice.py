"""Which daemon the preferences name, and what must not be tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from blender_addon import kept_token
from blender_addon.daemon_choice import DaemonChoice

from bridge.protocol import locations
from bridge.protocol.errors import BridgeError, ErrorCode

HERE = ("", "  ", "47860", "127.0.0.1", "127.0.0.1:47860", "localhost:1", "ws://[::1]:47860/v1", "wss://127.0.0.1:1")
ELSEWHERE = ("studio.example", "studio.example:47860", "wss://studio.example", "192.168.0.7", "ws://192.168.0.7:1")


@pytest.mark.parametrize("address", HERE)
def test_this_computer_needs_neither_the_network_nor_a_token(address: str):
    choice = DaemonChoice(address.strip())
    assert not choice.elsewhere
    assert choice.secured == address.strip()
    choice.check(online=False)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_another_computer_needs_online_access(address: str):
    with pytest.raises(BridgeError, match="offline") as told:
        DaemonChoice(address, "secret").check(online=False)
    assert told.value.code is ErrorCode.FORBIDDEN
    DaemonChoice(address, "secret").check(online=True)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_this_computers_token_never_goes_to_another(address: str):
    with pytest.raises(BridgeError, match="token is missing") as told:
        DaemonChoice(address).check(online=True)
    assert "doctor" in told.value.hint


def test_another_computer_is_reached_by_tls_unless_written_otherwise():
    assert DaemonChoice("studio.example:47860").secured == "wss://studio.example:47860"
    assert DaemonChoice("ws://studio.example").secured == "ws://studio.example"  # the client refuses it with a hint


def test_without_an_address_the_daemon_of_this_computer_gets_no_token_of_another():
    assert DaemonChoice("", "secret", "/copy.pem").arguments() == {}


def test_what_is_left_empty_is_looked_up_by_the_client():
    assert DaemonChoice("127.0.0.1:1").arguments() == {"address": "127.0.0.1:1"}
    assert DaemonChoice("studio", "secret", "/copy.pem").arguments() == {
        "address": "wss://studio",
        "token": "secret",
        "certificate": "/copy.pem",
    }


def test_the_way_out_names_the_field_instead_of_the_command_line():
    unknown = BridgeError(ErrorCode.UNTRUSTED, "Signed by nobody.", hint="Name it with --certificate.")
    assert "choose it as Certificate" in DaemonChoice("studio", "secret").in_our_words(unknown)
    assert DaemonChoice("studio", "secret", "/x.pem").in_our_words(unknown) == unknown.hint


def test_the_token_is_in_no_message():
    assert "secret" not in repr(DaemonChoice("studio", "secret"))


def test_the_token_of_a_daemon_elsewhere_is_for_its_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(locations.HOME_VARIABLE, str(tmp_path))
    assert kept_token.read() == ""
    kept_token.write("secret")
    assert kept_token.read() == "secret"
    assert kept_token.path().stat().st_mode & 0o077 == 0


def test_a_token_that_cannot_be_kept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(locations.HOME_VARIABLE, str(tmp_path))
    (tmp_path / "config").touch()  # a file where the folder belongs
    with pytest.raises(BridgeError, match="cannot be kept in"):
        kept_token.write("secret")
