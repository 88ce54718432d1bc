"""Fixtures: a virtual screen, a warmed profile with the installed plugin, and running Kritas."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.cli.plugin_bundle import krita_files, write_zip
from bridge.cli.plugin_krita import enabled

from .harness.profile import Profile
from .harness.running import RunningKrita
from .harness.xserver import XServer

ROOT = Path(__file__).resolve().parents[2]
ARTEFACTS = ROOT / "artefacts" / "krita"
PROGRAMS = ("krita", "Xvfb", "xdotool", "import")

# The plugin's pure parts are imported as Krita imports them: as the package `latent_bridge`.
sys.path.insert(0, str(ROOT / "plugins" / "krita"))

KritaFactory = Callable[..., RunningKrita]


@pytest.fixture(scope="session")
def plugin_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive that `latent-bridge plugins build` makes."""
    path = tmp_path_factory.mktemp("dist") / "latent-bridge-krita.zip"
    write_zip(krita_files(), path)
    return path


@pytest.fixture(scope="session")
def host_programs() -> None:
    """Skips when something is missing that only the system's packages bring."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        packages = "krita python3-pyqt5 xvfb xdotool imagemagick"
        pytest.skip(f"not installed: {', '.join(missing)} (Debian: apt install {packages})")
    # Krita runs plugins in the system's Python, whatever Python runs the tests.
    found = subprocess.run(["/usr/bin/python3", "-c", "import PyQt5.QtNetwork"], capture_output=True, check=False)
    if found.returncode != 0:
        pytest.skip("the system's Python has no PyQt5, so Krita loads no plugins (Debian: apt install python3-pyqt5)")


@pytest.fixture(scope="session")
def screen(host_programs: None) -> Iterator[XServer]:
    """A virtual screen."""
    server = XServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def warm_profile(screen: XServer, plugin_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """A profile with the plugin, brought in by Krita's own importer, after a first start that fills its database."""
    profile = Profile.make(tmp_path_factory.mktemp("krita") / "warm")
    RunningKrita(profile, screen.display).quit()
    import_plugin(plugin_zip, profile.resources)
    profile.kritarc.write_text(enabled(profile.kritarc.read_text()))
    return profile


def import_plugin(archive: Path, resources: Path) -> None:
    """What Tools ▸ Scripts ▸ Import Python Plugin from File does, by Krita's own code where it is installed."""
    importer = Path("/usr/share/krita/pykrita/plugin_importer/plugin_importer.py")
    if importer.is_file():
        spec = importlib.util.spec_from_file_location("krita_plugin_importer", importer)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        imported = module.PluginImporter(str(archive), str(resources), lambda plugin: True).import_all()
        assert [plugin["name"] for plugin in imported] == ["latent_bridge"]
        return
    with zipfile.ZipFile(archive) as files:
        files.extractall(resources / "pykrita")
    (resources / "actions").mkdir(exist_ok=True)
    action = "latent_bridge.action"
    shutil.move(resources / "pykrita" / "actions" / action, resources / "actions" / action)


@pytest.fixture(scope="session")
def krita_factory(
    screen: XServer, warm_profile: Profile, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KritaFactory]:
    """Starts Kritas in copies of the warm profile: `krita_factory(home=…)`."""
    started: list[RunningKrita] = []

    def start(home: Path, *arguments: str, **environment: str) -> RunningKrita:
        profile = warm_profile.copy(tmp_path_factory.mktemp("krita") / "profile")
        krita = RunningKrita(profile, screen.display, *arguments, LATENT_BRIDGE_HOME=str(home), **environment)
        started.append(krita)
        krita.until(lambda: krita.call("stacked"), "the dockers in their places")
        krita.call("show_docker", height=520)
        return krita

    yield start
    for krita in started:
        krita.kill()
