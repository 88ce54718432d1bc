"""One archive installs as an extension and as a legacy add-on, and leaves others' modules alone."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest
import tomllib
from blender_addon import about

from bridge.cli.plugin_bundle import blender_files, plugin_source

from .harness.runners import MODULES, Runner, module_python

pytestmark = pytest.mark.blender
PACKAGE = plugin_source("blender") / "latent_bridge"


def test_the_archive_holds_pure_python_only(addon_zip: Path):
    assert {Path(name).suffix for name in blender_files()} <= {".py", ".typed", ".toml", ".md", ""}
    assert addon_zip.stat().st_size < 400_000


def test_extension_and_legacy_add_on_are_of_the_same_version():
    manifest = tomllib.loads((PACKAGE / "blender_manifest.toml").read_text())
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    info = next(ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign))
    assert manifest["version"] == ".".join(map(str, info["version"])) == about.VERSION
    assert manifest["name"] == info["name"]


@pytest.mark.everywhere
def test_it_installs_and_is_enabled(blender: Runner, addon_zip: Path, tmp_path: Path):
    outcome = blender.run(addon_zip, "installing.py::enable", home=tmp_path)
    assert outcome.result["module"].endswith("latent_bridge")
    assert outcome.result["foreign"] == []


@pytest.mark.everywhere
def test_it_is_switched_off_and_on_again(blender: Runner, addon_zip: Path, tmp_path: Path):
    assert blender.run(addon_zip, "installing.py::off_and_on", home=tmp_path).result is True


@pytest.mark.parametrize("version", ["4.5.15"])
def test_blenders_own_tool_accepts_it_and_builds_it(version: str, addon_zip: Path, tmp_path: Path):
    try:
        python = module_python(version)
    except LookupError as error:
        pytest.skip(str(error))
    scripts = next(python.parents[1].glob(f"lib/python{MODULES[version]}/site-packages/bpy/*/scripts"))
    tool = [str(python), str(scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py")]
    tags = str(scripts / "modules" / "_bpy_internal" / "extensions" / "tags.py")
    for name, data in blender_files().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    built = tmp_path / "built"
    built.mkdir()
    for words in (
        ["validate", "--valid-tags", tags, str(addon_zip)],
        ["build", "--source-dir", str(tmp_path / "latent_bridge"), "--output-dir", str(built)],
    ):
        done = subprocess.run([*tool, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert [path.name for path in built.iterdir()] == ["latent_bridge-0.1.0.zip"]
