"""`latent-bridge plugins`: where the plugin goes, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli.plugin_krita import configuration_file, enabled, is_enabled, resource_folder
from bridge.cli.plugins import plugins

HOME = Path("/home/ada")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folders."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LATENT_BRIDGE_HOME", str(tmp_path / "bridge"))
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(plugins, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_install_puts_the_plugin_where_krita_looks_and_says_how_to_enable_it(home: Path):
    output = run("install", "krita", "--krita-folder", str(home / "krita"))
    assert (home / "krita" / "pykrita" / "latent_bridge" / "vendor" / "websockets" / "sync" / "client.py").is_file()
    assert (home / "krita" / "pykrita" / "latent_bridge.desktop").is_file()
    assert (home / "krita" / "actions" / "latent_bridge.action").is_file()
    assert "Python Plugin Manager" in output


def test_the_pykrita_folder_itself_is_understood_too(home: Path):
    run("install", "krita", "--krita-folder", str(home / "krita" / "pykrita"))
    assert (home / "krita" / "pykrita" / "latent_bridge.desktop").is_file()


def test_install_notes_which_python_has_the_daemon(home: Path):
    run("install", "krita", "--krita-folder", str(home / "krita"))
    noted = json.loads((home / "bridge" / "config" / "installed.json").read_text())
    assert Path(noted["python"]).is_file()


def test_installing_again_leaves_nothing_of_the_old_version(home: Path):
    folder = home / "krita"
    run("install", "krita", "--krita-folder", str(folder))
    old = folder / "pykrita" / "latent_bridge" / "gone.py"
    old.write_text("")
    run("install", "krita", "--krita-folder", str(folder))
    assert not old.exists()


def test_uninstall_removes_only_what_was_installed(home: Path):
    folder = home / "krita"
    other = folder / "pykrita" / "other" / "__init__.py"
    other.parent.mkdir(parents=True)
    other.write_text("")
    run("install", "krita", "--krita-folder", str(folder))
    assert "Removed" in run("uninstall", "krita", "--krita-folder", str(folder))
    left = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert left == ["pykrita/other/__init__.py"]
    assert "no Latent Bridge" in run("uninstall", "krita", "--krita-folder", str(folder))


@pytest.mark.skipif("sys.platform != 'linux'", reason="the default folders of Linux")
def test_install_and_enable_find_kritas_own_folders(home: Path):
    kritarc = home / "config" / "kritarc"
    kritarc.parent.mkdir()
    kritarc.write_text("theme=dark\n\n[python]\nenable_other=true\n")
    run("install", "krita", "--enable")
    assert (home / "data" / "krita" / "pykrita" / "latent_bridge" / "__init__.py").is_file()
    assert kritarc.read_text() == "theme=dark\n\n[python]\nenable_latent_bridge=true\nenable_other=true\n"
    assert "already" in run("install", "krita", "--enable")


@pytest.mark.parametrize(
    "before",
    [
        "",
        "theme=dark\n",
        "theme=dark\n\n[python]\n",
        "[python]\nenable_latent_bridge=false\n\n[krita]\nx=1\n",
        "[python]\nenable_other=true\n\n[krita]\nenable_latent_bridge=true\n",
    ],
)
def test_enabling_changes_one_setting_and_is_done_once(before: str):
    assert not is_enabled(before)
    after = enabled(before)
    assert is_enabled(after)
    assert enabled(after) == after
    kept = {line for line in before.splitlines() if line and line != "enable_latent_bridge=false"}
    assert kept <= set(after.splitlines())


@pytest.mark.parametrize(
    ("platform", "environment", "resources", "configuration"),
    [
        ("linux", {}, "/home/ada/.local/share/krita", "/home/ada/.config/kritarc"),
        ("linux", {"XDG_DATA_HOME": "/d", "XDG_CONFIG_HOME": "/c"}, "/d/krita", "/c/kritarc"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/home/ada/.local/share/krita", "/home/ada/.config/kritarc"),
        ("darwin", {}, "/home/ada/Library/Application Support/krita", "/home/ada/Library/Preferences/kritarc"),
        ("win32", {"APPDATA": "/r", "LOCALAPPDATA": "/l"}, "/r/krita", "/l/kritarc"),
    ],
)
def test_kritas_folders_on_every_system(platform: str, environment: dict[str, str], resources: str, configuration: str):
    assert resource_folder(platform, environment, HOME) == Path(resources)
    assert configuration_file(platform, environment, HOME) == Path(configuration)
