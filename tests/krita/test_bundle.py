"""What is put into Krita: complete, pure Python, without effect on other plugins, the same every time."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli.plugin_bundle import krita_files, package_folder, plugin_source, rewritten, vendor_files, write_zip
from bridge.cli.plugins import plugins
from bridge.protocol.errors import BridgeError

from .conftest import import_plugin

OTHER_PYTHONS = sorted(Path.home().glob(".pyenv/versions/3.1[0-9].*/bin/python3"))

IMPORT_EVERYTHING = """
import sys
sys.path.insert(0, sys.argv[1])
from latent_bridge import form, history, jobs, memory, modes, packing, request, state, vendored, weights
vendored.load_client()
vendored.load_starter()
from latent_bridge.vendor.bridge.protocol.wire import decode_message, encode_message
from latent_bridge.vendor.bridge.protocol.messages import Ping
assert decode_message(encode_message(Ping(request_id=7))).request_id == 7
foreign = sorted(name for name in sys.modules if name.split(".")[0] in {"bridge", "websockets", "msgpack", "numpy"})
assert not foreign, foreign
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, plugin_zip: Path) -> Path:
    """The folder with plugins of a Krita that imported the archive."""
    resources = tmp_path_factory.mktemp("resources")
    (resources / "pykrita").mkdir()
    import_plugin(plugin_zip, resources)
    return resources / "pykrita"


def test_no_file_is_compiled_and_each_is_of_a_kind_that_belongs():
    suffixes = {Path(name).suffix for name in krita_files()}
    assert suffixes == {".py", ".typed", ".html", ".desktop", ".action", ""}


def test_every_carried_package_brings_its_licence():
    names = set(vendor_files())
    assert {"bridge/LICENSE", "websockets/LICENSE", "msgpack/COPYING"} <= names
    assert "GNU GENERAL PUBLIC LICENSE" in krita_files()["pykrita/latent_bridge/LICENSE"].decode()


def test_the_archive_is_small(plugin_zip: Path):
    assert plugin_zip.stat().st_size < 400_000


def test_the_same_files_make_the_same_bytes(plugin_zip: Path, tmp_path: Path):
    files = krita_files()
    write_zip(dict(reversed(files.items())), tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == plugin_zip.read_bytes()


def test_kritas_importer_finds_plugin_and_actions(installed: Path):
    assert (installed / "latent_bridge.desktop").is_file()
    assert (installed / "latent_bridge" / "__init__.py").is_file()
    assert (installed / "latent_bridge" / "manual.html").is_file()
    assert (installed.parent / "actions" / "latent_bridge.action").is_file()


@pytest.mark.parametrize("python", [Path(sys.executable), *OTHER_PYTHONS], ids=lambda path: path.parts[-3])
def test_it_imports_with_nothing_installed_and_leaves_other_plugins_names_alone(installed: Path, python: Path):
    command = [str(python), "-I", "-S", "-c", IMPORT_EVERYTHING, str(installed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_another_plugins_websockets_is_neither_used_nor_replaced(installed: Path, tmp_path: Path):
    other = tmp_path / "websockets"
    other.mkdir()
    (other / "__init__.py").write_text("version = 'of another plugin'\n")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import websockets\n" + IMPORT_EVERYTHING.replace(
        "assert not foreign, foreign", "assert foreign == ['websockets'] and websockets.version == 'of another plugin'"
    )
    command = [sys.executable, "-I", "-S", "-c", script, str(installed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_absolute_import_of_a_carried_package_is_rewritten():
    carried = {"bridge", "websockets", "msgpack"}
    left = []
    for name, data in vendor_files().items():
        if not name.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(data)):
            modules = [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            left += [f"{name}: {module}" for module in modules if module and module.split(".")[0] in carried]
    assert left == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import msgpack", "from latent_bridge.vendor import msgpack"),
        ("    import msgpack", "    from latent_bridge.vendor import msgpack"),
        ("from bridge.protocol import x", "from latent_bridge.vendor.bridge.protocol import x"),
        ("from msgpack import x", "from latent_bridge.vendor.msgpack import x"),
        ("from .msgpack import x", "from .msgpack import x"),
        ("from msgpacker import x", "from msgpacker import x"),
        ("import bridges", "import bridges"),
    ],
)
def test_only_imports_of_carried_packages_change(before: str, after: str):
    assert rewritten(before, ["bridge", "msgpack"]) == after


def test_only_the_host_module_knows_krita_and_only_the_qt_module_knows_pyqt():
    knowing: dict[str, set[str]] = {"krita": set(), "PyQt5": set(), "PyQt6": set()}
    for path in (plugin_source("krita") / "latent_bridge").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            for module in modules:
                knowing.get(module.split(".")[0], set()).add(path.name)
    assert knowing == {"krita": {"host.py"}, "PyQt5": {"qt.py"}, "PyQt6": {"qt.py"}}


def test_every_source_of_the_plugin_names_its_licence():
    for path in (plugin_source("krita") / "latent_bridge").glob("*.py"):
        assert path.read_text().startswith("# SPDX-License-Identifier: GPL-3.0-or-later\n"), path


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(BridgeError, match="no_such_package"):
        package_folder("no_such_package")


def test_an_unknown_host_has_no_sources():
    with pytest.raises(BridgeError, match="neither"):
        plugin_source("gimp")


def test_build_makes_the_archive(tmp_path: Path, plugin_zip: Path):
    result = CliRunner().invoke(plugins, ["build", "-o", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0
    assert (tmp_path / "latent-bridge-krita.zip").read_bytes() == plugin_zip.read_bytes()
