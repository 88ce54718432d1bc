"""TLS to a daemon: which certificates are trusted, and what is said of the others."""

from __future__ import annotations

import socket
import threading

import pytest

from bridge.client import connect
from bridge.client.finding import Wanted
from bridge.protocol import locations
from bridge.protocol.errors import BridgeError, ErrorCode
from tests.certificates import make_authority, make_certificate
from tests.client.conftest import TOKEN, ScriptedDaemon

OTHERS = "DNS:elsewhere.example,IP:192.0.2.1"


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A daemon's own certificate, for the address at which it listens."""
    return make_certificate(tmp_path_factory.mktemp("own") / "files")


@pytest.fixture
def serving():
    """Start daemons that present certificates."""
    started = []

    def start(certificate):
        started.append(ScriptedDaemon(encryption=certificate.serving() if certificate else None))
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop()


def attempt(daemon, certificate, scheme="wss"):
    """Connect and return what was welcomed."""
    with connect(f"{scheme}://{daemon.address}", token=TOKEN, certificate=certificate) as bridge:
        return bridge.welcome.daemon


def refused(daemon, certificate, scheme="wss"):
    with pytest.raises(BridgeError) as caught:
        attempt(daemon, certificate, scheme)
    return caught.value


def test_the_daemons_own_certificate_is_trusted(own, serving):
    assert attempt(serving(own), own.path) == "scripted"


def test_what_an_authority_has_signed_is_trusted(tmp_path, serving):
    authority = make_authority(tmp_path / "authority")
    signed = make_certificate(tmp_path / "signed", authority=authority)
    assert attempt(serving(signed), authority.path) == "scripted"


def test_the_certificate_may_be_named_in_the_environment(own, serving, monkeypatch):
    monkeypatch.setenv(locations.CERTIFICATE_VARIABLE, str(own.path))
    assert attempt(serving(own), None) == "scripted"


def test_the_certificate_of_the_running_daemon_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv(locations.HOME_VARIABLE, str(tmp_path))
    locations.Discovery("wss://127.0.0.1:1/v1", 1, "", "/a/certificate").write(locations.discovery_file())
    assert str(Wanted().find().certificate) == "/a/certificate"


def test_without_a_file_a_private_certificate_is_not_trusted(own, serving):
    error = refused(serving(own), None)
    assert (error.code, error.field) == (ErrorCode.UNTRUSTED, "certificate")
    assert "--certificate" in error.hint


def test_another_daemons_certificate_does_not_match(own, serving, tmp_path):
    other = make_certificate(tmp_path / "other")
    error = refused(serving(own), other.path)
    assert error.code is ErrorCode.UNTRUSTED
    assert f"does not match {other.path}" in error.message


def test_the_daemons_own_certificate_needs_no_matching_name(serving, tmp_path):
    certificate = make_certificate(tmp_path / "files", OTHERS)
    assert attempt(serving(certificate), certificate.path) == "scripted"


def test_what_an_authority_has_signed_needs_a_matching_name(serving, tmp_path):
    authority = make_authority(tmp_path / "authority")
    error = refused(serving(make_certificate(tmp_path / "signed", OTHERS, authority=authority)), authority.path)
    assert error.code is ErrorCode.UNTRUSTED
    assert "another name than 127.0.0.1" in error.message


@pytest.mark.parametrize(
    ("days", "said"),
    [(("20200101000000Z", "20200102000000Z"), "expired"), (("20990101000000Z", "20990102000000Z"), "not valid yet")],
)
def test_a_certificate_out_of_its_time_is_refused(serving, tmp_path, days, said):
    certificate = make_certificate(tmp_path / "files", days=days)
    error = refused(serving(certificate), certificate.path)
    assert error.code is ErrorCode.UNTRUSTED
    assert said in error.message


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read"), ("moss", "not a certificate")])
def test_a_file_that_is_no_certificate_is_named(tmp_path, scripted, content, said):
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    error = refused(scripted, path)
    assert (error.code, error.field) == (ErrorCode.INVALID_FIELD, "certificate")
    assert said in error.message
    assert str(path) in error.message


def test_a_key_and_a_damaged_certificate_are_told_apart(own, scripted, tmp_path):
    assert "private key" in refused(scripted, own.key).message
    damaged = tmp_path / "damaged.pem"
    damaged.write_text(own.path.read_text()[:120] + "\n-----END CERTIFICATE-----\n")
    assert "damaged" in refused(scripted, damaged).message


def test_tls_to_a_daemon_without_it_is_said_to_be_just_that(own, scripted):
    error = refused(scripted, own.path)
    assert (error.code, error.field) == (ErrorCode.NOT_CONNECTED, "address")
    assert "does not speak TLS" in error.message


def test_no_tls_to_a_daemon_that_asks_for_it_is_said_to_be_just_that(own, serving):
    error = refused(serving(own), None, scheme="ws")
    assert (error.code, error.field) == (ErrorCode.NOT_CONNECTED, "address")
    assert "speaks TLS only" in error.message
    assert "wss://" in error.hint


def test_whoever_hangs_up_at_the_greeting_does_not_speak_tls():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()
        with pytest.raises(BridgeError) as caught:
            connect(f"wss://127.0.0.1:{listener.getsockname()[1]}", token=TOKEN)
    assert caught.value.code is ErrorCode.NOT_CONNECTED
