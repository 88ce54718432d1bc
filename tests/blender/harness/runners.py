"""Where the add-on is tried: bpy modules from the package index, each in a cached environment, and Debian's Blender."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
from platformdirs import user_cache_path

from tests.interpreters import interpreters

INSIDE = Path(__file__).with_name("inside.py")
SCENES = Path(__file__).parents[1] / "scenes"

MODULES = {"4.2.23": "3.11", "4.5.15": "3.11", "5.0.1": "3.11", "5.2.3": "3.13"}
"""Versions of the bpy module, and the only Python that each runs in."""


@dataclass(frozen=True)
class Outcome:
    """How a scene went.

    Attributes:
        result: what the scene returned.
        status: exit status of the process.
        output: everything it printed.
        install_seconds: time to install and enable the add-on.
    """

    result: Any
    status: int
    output: str
    install_seconds: float


class SceneError(AssertionError):
    """The scene raised, or the process ended without a result."""


@dataclass(frozen=True)
class Runner:
    """A Blender of one kind.

    Attributes:
        name: for the test's name.
        command: what runs `inside.py`, which follows.
        folder: state of this Blender, apart from any other.
        separator: what comes before the script's own arguments.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    separator: tuple[str, ...] = ()

    def run(
        self, archive: Path, scene: str, *arguments: str, home: Path, timeout: float = 120, former_jobs: bool = False
    ) -> Outcome:
        """Play `file.py::function` from the scenes.

        Args:
            archive: the add-on.
            scene: which scene.
            arguments: for the scene, as texts.
            home: the daemon's LATENT_BRIDGE_HOME.
            timeout: seconds, after which everything is killed.
            former_jobs: leave what earlier Blenders noted of unfinished jobs, for this one to take up.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        output = self.folder / "outcome.json"
        output.unlink(missing_ok=True)
        if not former_jobs:
            for kept in ("config", "data"):
                shutil.rmtree(home / kept / "blender", ignore_errors=True)
        words = (*self.separator, str(archive), str(SCENES / scene), str(output), *arguments)
        process = subprocess.Popen(
            [*self.command, str(INSIDE), *words],
            env=self.environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            printed = process.communicate(timeout=timeout)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            process.kill()
            printed = process.communicate()[0].decode(errors="replace")
            raise SceneError(f"{self.name} did not end within {timeout:g} s:\n{printed[-4000:]}") from None
        said = json.loads(output.read_text()) if output.is_file() else {}
        if "result" not in said:
            raise SceneError(f"{self.name} ended with {process.returncode}:\n{said.get('error', printed[-4000:])}")
        return Outcome(said["result"], process.returncode, printed, said["install_seconds"])

    def environment(self, home: Path) -> dict[str, str]:
        """Variables that keep every trace of this Blender in its folder."""
        resources, temporary = self.folder / "resources", self.folder / "tmp"
        for path in (resources / "config", resources / "scripts" / "addons", temporary):
            path.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BLENDER_", "PYTHON"))}
        return kept | {
            # Blender takes the library of the first python3 that it finds there, even one that it was not built for.
            "PATH": os.defpath,
            "BLENDER_USER_RESOURCES": str(resources),
            "BLENDER_USER_CONFIG": str(resources / "config"),
            "BLENDER_USER_SCRIPTS": str(resources / "scripts"),
            "TMPDIR": str(temporary),
            "LATENT_BRIDGE_HOME": str(home),
        }


def module_python(version: str) -> Path:
    """The Python with this version of bpy; made on first use and kept in the user's cache (about a gigabyte each).

    Raises:
        LookupError: when it cannot be had here, and why.
    """
    folder = (
        Path(os.environ.get("LATENT_BRIDGE_BPY_CACHE") or user_cache_path("latent-bridge-tests")) / f"bpy-{version}"
    )
    python = folder / "bin" / "python"
    if (folder / "complete").is_file():
        return python
    wanted = MODULES[version]
    base = next((path for path in interpreters() if path.endswith(f"python{wanted}")), None)
    if base is None:
        raise LookupError(f"bpy {version} needs Python {wanted}, which is not installed")
    shutil.rmtree(folder, ignore_errors=True)
    # numpy 2 is accepted by the older ones, but no Blender of theirs is shipped with it.
    numpy = ["numpy<2"] if wanted == "3.11" else []
    for command in (
        [base, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--no-cache-dir", f"bpy=={version}", *numpy],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LookupError(f"bpy {version} cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
    (folder / "complete").touch()
    return python


def module_runner(version: str, folder: Path) -> Runner:
    """A bpy module. Raises `LookupError` as `module_python`."""
    return Runner(f"bpy {version}", (str(module_python(version)),), folder)


def background_runner(folder: Path) -> Runner:
    """The system's Blender without a window. Raises `LookupError` when there is none."""
    return Runner(
        "blender -b",
        (_program(), "--background", "--factory-startup", "--python-exit-code", "3", "--python"),
        folder,
        ("--",),
    )


def window_runner(folder: Path, display: str, *variables: str, height: int = 900) -> Runner:
    """The system's Blender in a window 1280 pixels wide. Raises `LookupError` when there is none.

    Args:
        folder: for its state.
        display: the X server.
        variables: more of the environment, as `NAME=value`.
        height: of the window, pixels.
    """
    window = ("--factory-startup", "--window-geometry", "0", "0", "1280", str(height), "--python")
    command = ("env", f"DISPLAY={display}", *variables, _program(), *window)
    return Runner("blender", command, folder, ("--",))


def lent_numpy(folder: Path) -> str:
    """The variable by which the system's Blender finds the numpy of these tests, and nothing else of theirs.

    Raises:
        LookupError: when there is no Blender, or numpy is built for another Python than Blender's.
    """
    installed = Path(numpy.__file__).parent
    for source in (installed, installed.with_name("numpy.libs")):
        if source.is_dir():
            (folder / source.name).symlink_to(source)
    variable = f"PYTHONPATH={folder}"
    words = ("--background", "--factory-startup", "--python-exit-code", "3", "--python-expr", "import numpy")
    tried = subprocess.run(["env", variable, _program(), *words], capture_output=True, check=False, timeout=60)
    if tried.returncode:
        raise LookupError(f"numpy {numpy.__version__} of this Python cannot be imported by the Python of Blender")
    return variable


def _program() -> str:
    found = shutil.which("blender")
    if found is None:
        raise LookupError("blender is not installed (Debian: apt install blender)")
    return found
