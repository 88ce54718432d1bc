"""Fixtures: the add-on's archive, and the Blenders to try it in.

On every change every scene plays in bpy 4.5 (an extension, Python 3.11); those marked `everywhere` and those in a
window play in Debian's Blender 3.4 (a legacy add-on without numpy) too. With `--blenders` all play in bpy 4.2, 5.0 and
5.2 and in Debian's as well. What cannot be installed here is skipped, with the reason.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.cli.plugin_bundle import blender_files, write_zip
from tests.certificates import make_certificate
from tests.conftest import DaemonFactory
from tests.krita.harness.xserver import XServer

from .harness.runners import MODULES, Runner, background_runner, lent_numpy, module_runner, window_runner

ROOT = Path(__file__).resolve().parents[2]
ARTEFACTS = ROOT / "artefacts" / "blender"
EVERY_CHANGE = "4.5.15"
BACKGROUND = "debian-background"
TALL = 1900
"""Height of a window that shows every panel, pixels."""


def _load_package() -> None:
    """Import the add-on as `blender_addon`: the Krita plugin's package is called `latent_bridge` too."""
    folder = ROOT / "plugins" / "blender" / "latent_bridge"
    places = [str(folder)]
    spec = importlib.util.spec_from_file_location(
        "blender_addon", folder / "__init__.py", submodule_search_locations=places
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules["blender_addon"] = package
    spec.loader.exec_module(package)


_load_package()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with `blender` runs in every Blender without a window that was asked for."""
    if "blender" in metafunc.fixturenames:
        kinds = [EVERY_CHANGE]
        if metafunc.config.getoption("--blenders"):
            kinds = [*MODULES, BACKGROUND]
        elif metafunc.definition.get_closest_marker("everywhere") is not None:
            kinds.append(BACKGROUND)
        metafunc.parametrize("blender", kinds, indirect=True, scope="module")


@pytest.fixture(scope="session")
def addon_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive that `latent-bridge plugins build` makes."""
    path = tmp_path_factory.mktemp("dist") / "latent-bridge-blender.zip"
    write_zip(blender_files(), path)
    return path


@pytest.fixture(scope="module")
def blender(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A Blender without a window; see `pytest_generate_tests`."""
    folder = tmp_path_factory.mktemp("blender")
    try:
        return background_runner(folder) if request.param == BACKGROUND else module_runner(request.param, folder)
    except LookupError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def screen() -> Iterator[XServer]:
    """A virtual screen."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed (Debian: apt install xvfb)")
    server = XServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def blender_window(screen: XServer, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """Debian's Blender in a window on the virtual screen."""
    try:
        return window_runner(tmp_path_factory.mktemp("blender"), screen.display)
    except LookupError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def tall_blender_window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """As `blender_window`, so high that a sidebar shows all of its panels."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed (Debian: apt install xvfb)")
    server = XServer(f"1280x{TALL}x24")
    try:
        yield window_runner(tmp_path_factory.mktemp("blender"), server.display, height=TALL)
    except LookupError as error:
        pytest.skip(str(error))
    finally:
        server.close()


@pytest.fixture(scope="module")
def blender_window_with_numpy(screen: XServer, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """As `blender_window`, where the add-on's parts that need numpy run too."""
    try:
        variable = lent_numpy(tmp_path_factory.mktemp("lent"))
        return window_runner(tmp_path_factory.mktemp("blender"), screen.display, variable)
    except LookupError as error:
        pytest.skip(str(error))


@dataclass(frozen=True)
class Elsewhere:
    """What somebody knows of a daemon on another computer."""

    address: str
    token: str
    certificate: str


@pytest.fixture(scope="session")
def elsewhere(daemon_factory: DaemonFactory, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    """A daemon behind TLS that no discovery file of Blender's user tells of, and a copy of its certificate."""
    folder = tmp_path_factory.mktemp("tls")
    certificate = make_certificate(folder / "files", "DNS:studio.example")
    copy = shutil.copy(certificate.path, folder / "copy.pem")
    daemon = daemon_factory(
        "--model", str(tiny_model), "--tls-cert", str(certificate.path), "--tls-key", str(certificate.key)
    )
    return Elsewhere(daemon.url, daemon.token, str(copy))
