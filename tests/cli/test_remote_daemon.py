"""Commands that talk to a daemon behind TLS."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.certificates import make_certificate


@pytest.fixture(scope="module")
def behind_tls(daemon_factory, tmp_path_factory):
    """A daemon with a certificate that was made for another name, and a copy of it, as on another machine."""
    folder = tmp_path_factory.mktemp("tls")
    certificate = make_certificate(folder / "files", "DNS:studio.example")
    copy = shutil.copy(certificate.path, folder / "copy.pem")
    return daemon_factory("--tls-cert", str(certificate.path), "--tls-key", str(certificate.key)), copy


def test_a_daemon_behind_tls_is_reached_with_its_certificate_and_token(behind_tls, latent_bridge):
    daemon, copy = behind_tls
    token_file = daemon.home / "config" / "token"
    answer = latent_bridge("jobs", "--json", "--address", daemon.url, "--certificate", copy, "--token-file", token_file)
    assert json.loads(answer.stdout) == {"jobs": []}, answer.stderr


def test_without_its_certificate_the_command_says_what_to_name(behind_tls, latent_bridge):
    daemon, _ = behind_tls
    answer = latent_bridge("jobs", "--address", daemon.url)
    assert answer.returncode != 0
    assert "signed by nobody" in answer.stderr
    assert "--certificate" in answer.stderr


def test_on_its_own_machine_it_is_found_with_its_certificate(behind_tls, latent_bridge):
    daemon, _ = behind_tls
    answer = latent_bridge("doctor", "--json", LATENT_BRIDGE_HOME=str(daemon.home))
    findings = {finding["subject"]: finding for finding in json.loads(answer.stdout)["findings"]}
    assert findings["daemon"]["level"] == "ok", findings["daemon"]
