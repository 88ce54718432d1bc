"""`latent-bridge pull` and jobs on models of a hub, as a user sees them. The hub is a stand-in on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import DaemonFactory
from tests.standin_hub import StandInHub

UNET = "unet/diffusion_pytorch_model.safetensors"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals and this Ctrl-C are POSIX")


@pytest.fixture(scope="module")
def hub(tiny_model: Path) -> Iterator[StandInHub]:
    serving = StandInHub({"tiny/model": tiny_model})
    yield serving
    serving.close()


@pytest.fixture
def environment(hub: StandInHub, tmp_path: Path) -> dict[str, str]:
    hub.behave()
    home = {"HF_HOME": str(tmp_path / "hub home"), "LATENT_BRIDGE_HOME": str(tmp_path / "home")}
    return {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "TERM": "xterm", "COLUMNS": "110", **home}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bridge.cli.main", *arguments]


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), env=environment, capture_output=True, text=True, timeout=120)


def on_terminal(environment: dict[str, str], *arguments: str) -> str:
    """What a command that succeeds shows on the terminal, stdout left out."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(command(*arguments), env=environment, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass  # Linux says so that the other end is closed
    process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0, shown
    return shown.decode()


def test_a_model_is_pulled_with_a_bar_and_then_used_without_a_network(
    environment: dict[str, str], hub: StandInHub, daemon_factory: DaemonFactory, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    assert "kB" in on_terminal(environment, "pull", "tiny/model")
    hub.requests.clear()
    monkeypatch.setenv("HF_HOME", environment["HF_HOME"])
    daemon = daemon_factory()
    listed = run(daemon.environment, "models").stdout
    assert "tiny/model\n    Stable Diffusion 1\n    sd1, 64 px, 25 steps, guidance 7.5, 0.5 MB;" in listed
    out = str(tmp_path / "moss.png")
    made = run(daemon.environment, "generate", "moss", "--model", "tiny/model", "--size", "64", "-o", out, "--json")
    assert json.loads(made.stdout)["files"][0]["recipe"]["parameters"]["model"] == "tiny/model"
    assert hub.requests == []
    daemon.stop()


def test_pulling_again_only_looks(environment: dict[str, str], hub: StandInHub) -> None:
    first = json.loads(run(environment, "pull", "tiny/model", "--json").stdout)
    hub.behave()
    assert json.loads(run(environment, "pull", "tiny/model", "--json").stdout) == first
    assert not hub.sent


def test_ctrl_c_stops_it_and_says_that_the_next_goes_on(environment: dict[str, str], hub: StandInHub) -> None:
    how = hub.behave(pause_at={UNET: 100_000})
    process = subprocess.Popen(command("pull", "tiny/model"), env=environment, stderr=subprocess.PIPE, text=True)
    assert how.paused.wait(30)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "goes on from here" in told
    hub.behave()
    assert run(environment, "pull", "tiny/model").returncode == 0


@pytest.mark.parametrize(("hub_id", "code"), [("tiny/missing", 1), ("no id", 2), ("../model", 2)])
def test_what_cannot_be_had_ends_with_the_reason_in_one_line(
    environment: dict[str, str], hub_id: str, code: int
) -> None:
    failed = run(environment, "pull", hub_id)
    assert failed.returncode == code
    assert hub_id in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1


def test_a_job_shows_the_bytes_of_its_download(
    environment: dict[str, str], daemon_factory: DaemonFactory, monkeypatch: pytest.MonkeyPatch, hub: StandInHub,
    tmp_path: Path,
) -> None:  # fmt: skip
    for name in ("HF_HOME", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, environment[name])
    daemon = daemon_factory("--model", "tiny/model")
    assert "downloaded when it is first used" in run(daemon.environment, "models").stdout
    how = hub.behave(pause_at={UNET: 100_000})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    terminal = {**environment, **daemon.environment}
    # Long enough for the bar to be drawn once; the test does not depend on how long that takes.
    letting_go = threading.Thread(target=lambda: how.paused.wait(30) and not how.go_on.wait(1.0) and how.go_on.set())
    letting_go.start()
    shown = on_terminal(terminal, "generate", "moss", "--size", "64", "--steps", "2")
    assert "downloading" in shown
    assert "of 0.6 MB" in shown
    letting_go.join()
    daemon.stop()
