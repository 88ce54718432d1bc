"""`doctor` says of every part whether it is well, and if not, what to do."""

from __future__ import annotations

import json
import os
import socket

import pytest

from bridge.cli.checks import check_daemon, check_engine, check_krita, check_port, check_python, check_token
from bridge.cli.connecting import Whereabouts
from bridge.protocol import locations


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv(locations.HOME_VARIABLE, str(tmp_path))
    with socket.socket() as probe:  # whoever runs the tests may have a daemon at the usual port
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setattr(locations, "DEFAULT_PORT", probe.getsockname()[1])
    return tmp_path


def test_an_old_python_is_wrong_and_a_new_one_is_ok():
    assert check_python((3, 10, 13), "python").level == "wrong"
    assert check_python((3, 11, 0), "python").level == "ok"


def test_an_engine_that_cannot_be_loaded_is_wrong_and_tells_how_to_install_it():
    (finding,) = check_engine({"error": "ImportError: torch"})
    assert (finding.subject, finding.level) == ("torch", "wrong")
    assert "install" in finding.remedy


@pytest.mark.parametrize(("free", "level"), [(1 << 30, "wrong"), (8 << 30, "ok")])
def test_little_free_memory_is_wrong(free, level):
    probed = {"device": "cuda", "device_name": "Some GPU", "memory_free": free, "memory_total": 24 << 30, "torch": "2"}
    findings = {finding.subject: finding for finding in check_engine(probed)}
    assert (findings["memory"].level, findings["device"].level) == (level, "ok")


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX")
def test_a_token_that_others_can_read_is_wrong_and_the_remedy_is_a_command(tmp_path):
    token = tmp_path / "token"
    assert check_token(token).level == "note"
    token.write_text("secret")
    token.chmod(0o644)
    assert check_token(token).remedy == f"Run `chmod 600 {token}`."
    token.chmod(0o600)
    assert check_token(token).level == "ok"
    token.write_bytes(b"\xff\xfe")
    assert check_token(token).level == "wrong"


def test_no_daemon_is_a_note_and_a_daemon_that_is_announced_but_gone_is_wrong(home):
    missing = check_daemon(Whereabouts())
    assert (missing.level, "latent-bridge serve" in missing.remedy) == ("note", True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    locations.Discovery(f"ws://127.0.0.1:{port}/v1", 1).write(locations.discovery_file())
    assert check_daemon(Whereabouts()).level == "wrong"


def test_another_program_on_the_port_is_wrong_and_a_free_port_is_ok():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        taken = check_port(daemon_runs=False, port=port)
    assert (taken.level, "--port" in taken.remedy) == ("wrong", True)
    assert check_port(daemon_runs=False, port=port).level == "ok"


def test_a_daemon_on_the_port_is_where_it_belongs(daemon):
    assert check_port(daemon_runs=True, port=daemon.port).level == "ok"
    assert check_port(daemon_runs=False, port=daemon.port).level == "wrong"


def test_kritas_plugin_is_found_where_it_is_installed(tmp_path, monkeypatch):
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    before = check_krita()
    assert (before.level, "plugins install krita" in before.remedy) == ("note", True)


def test_the_report_of_a_running_daemon_has_a_line_for_every_part(latent_bridge):
    report = json.loads(latent_bridge("doctor", "--json").stdout)
    findings = {finding["subject"]: finding for finding in report["findings"]}
    assert set(findings) == {
        "python", "torch", "device", "memory", "models", "port", "token", "daemon", "krita", "blender",
    }  # fmt: skip
    assert findings["daemon"]["level"] == "ok"
    assert findings["token"]["level"] == "ok"
    assert report["ok"] == all(finding["level"] != "wrong" for finding in report["findings"])


def test_the_exit_code_says_whether_all_is_well(latent_bridge):
    done = latent_bridge("doctor")
    assert done.returncode == (1 if "wrong" in done.stdout else 0)
    well = [line for line in done.stdout.splitlines() if line.startswith("ok ")]
    assert any("daemon: latent-bridge" in line for line in well)
    refused = latent_bridge("doctor", LATENT_BRIDGE_TOKEN="wrong")
    assert refused.returncode == 1
    assert "wrong  daemon" in refused.stdout
