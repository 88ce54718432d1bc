"""Settings that are not safe are refused, and the token stays its user's own."""

import os
import stat
from pathlib import Path

import pytest

from bridge.daemon.config import Settings
from bridge.daemon.server import check_certificate
from bridge.daemon.token import ensure_token
from bridge.protocol.errors import BridgeError
from tests.certificates import make_certificate


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_loopback_is_fine(host):
    Settings(host=host).check()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "painter.example"])
def test_other_addresses_need_tls(host):
    with pytest.raises(BridgeError) as caught:
        Settings(host=host).check()
    assert "TLS" in caught.value.message
    Settings(host=host, tls_certificate=Path("c.pem"), tls_key=Path("k.pem")).check()


def test_half_of_tls_is_refused():
    with pytest.raises(BridgeError):
        Settings(tls_certificate=Path("c.pem")).check()


def test_a_token_is_made_once_and_only_its_user_can_read_it(tmp_path):
    path = tmp_path / "config" / "token"
    token = ensure_token(path)
    assert len(token) == 43
    assert ensure_token(path) == token
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no mode bits")
def test_a_token_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "token"
    ensure_token(path)
    path.chmod(0o644)
    with pytest.raises(BridgeError) as caught:
        ensure_token(path)
    assert "chmod 600" in caught.value.hint


def test_a_short_token_is_refused(tmp_path):
    path = tmp_path / "token"
    path.write_text("1234")
    path.chmod(0o600)
    with pytest.raises(BridgeError):
        ensure_token(path)


def test_certificates_that_cannot_be_served_are_named(tmp_path):
    ours, theirs = (make_certificate(tmp_path / name) for name in ("ours", "theirs"))
    check_certificate(ours.path, ours.key)
    for certificate, key, said in [
        (tmp_path / "nothing.pem", ours.key, "there is no"),
        (ours.path, tmp_path / "nothing.pem", "there is no"),
        (ours.path, theirs.key, "do not belong together"),
        (ours.key, ours.path, "do not belong together"),
    ]:
        with pytest.raises(BridgeError) as caught:
            check_certificate(certificate, key)
        assert said in caught.value.message
        assert "--tls-cert" in caught.value.hint
