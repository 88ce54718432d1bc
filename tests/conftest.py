"""Fixtures that several test folders share: a real daemon over a real socket, on the built-in model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge.protocol import locations

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A runner in the background ignores Ctrl-C and hands that on; the programs under test must feel it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
ARTEFACTS = ROOT / "artefacts"

# Nothing in the tests may reach for a hub; children inherit this.
os.environ["HF_HUB_OFFLINE"] = "1"
# Nor may what this machine once downloaded turn up among the models.
for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
    os.environ.pop(name, None)
os.environ["HF_HOME"] = str(Path(tempfile.gettempdir()) / "latent-bridge tests without a hub")
# Tiny models gain nothing from a second thread, and lose much where several engines share few cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of this project's own."""
    parser.addoption("--families", action="store_true", help="try every family of models, not the first six alone")
    parser.addoption("--blenders", action="store_true", help="try every version of Blender, not the usual two alone")


@dataclass
class RunningDaemon:
    """A `latent-bridge serve` in a process of its own, with a home of its own.

    Attributes:
        home: its LATENT_BRIDGE_HOME.
        arguments: what `serve` was given.
        process: the running process.
        environment: what a client needs in its environment to find it.
    """

    home: Path
    arguments: tuple[str, ...]
    environment: dict[str, str]
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def log_file(self) -> Path:
        """Where its logs go."""
        return self.home / "daemon.log"

    @property
    def discovery(self) -> locations.Discovery:
        """What it says of itself."""
        found = locations.read_discovery(self.home / "runtime" / locations.DISCOVERY_NAME)
        if found is None:
            raise AssertionError(f"no daemon is announced in {self.home}:\n{self.log_file.read_text()}")
        return found

    @property
    def url(self) -> str:
        """Its websocket address."""
        return self.discovery.url

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.url.rsplit(":", 1)[1].split("/")[0])

    @property
    def token(self) -> str:
        """Its token."""
        return (self.home / "config" / locations.TOKEN_NAME).read_text().strip()

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [sys.executable, "-m", "bridge.cli.main", "serve", *self.arguments]
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, cwd=ROOT)
        deadline = time.monotonic() + 30
        announced = self.home / "runtime" / locations.DISCOVERY_NAME
        while True:
            found = locations.read_discovery(announced)
            if found is not None and found.pid == self.process.pid:
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the daemon did not start:\n{self.log_file.read_text()}")
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(30)

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self.process.kill()
        self.process.wait(30)


DaemonFactory = Callable[..., RunningDaemon]


@pytest.fixture(scope="session")
def daemon_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonFactory]:
    """Starts daemons that are ended with the test session: `daemon_factory(*serve_arguments, home=…)`."""
    started: list[RunningDaemon] = []

    def start(*arguments: str, home: Path | None = None, port: int = 0) -> RunningDaemon:
        home = home or tmp_path_factory.mktemp("home")
        environment = {**os.environ, "LATENT_BRIDGE_HOME": str(home)}
        environment.pop(locations.TOKEN_VARIABLE, None)
        environment.pop(locations.TOKEN_FILE_VARIABLE, None)
        running = RunningDaemon(home, ("--port", str(port), *arguments), environment)
        running.start()
        started.append(running)
        return running

    yield start
    for running in started:
        running.stop()


@pytest.fixture(scope="session")
def daemon(daemon_factory: DaemonFactory) -> RunningDaemon:
    """One daemon on the built-in model for all tests that leave it as they found it."""
    return daemon_factory()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random Stable Diffusion model, for tests that look at jobs and not at pictures."""
    from tests.tiny_models import build_tiny_sd

    return build_tiny_sd(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_daemon(daemon_factory: DaemonFactory, tiny_model: Path) -> RunningDaemon:
    """One daemon on the tiny model for all tests that leave it as they found it."""
    return daemon_factory("--model", str(tiny_model))


@pytest.fixture
def fresh_daemon(daemon_factory: DaemonFactory, tiny_model: Path) -> Iterator[RunningDaemon]:
    """A daemon on the tiny model for one test, which may do with it what it likes."""
    running = daemon_factory("--model", str(tiny_model))
    yield running
    running.stop()
