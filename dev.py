#!/usr/bin/env python3
"""Two commands on a fresh machine, with nothing but Python 3.11 or newer and its standard library:

    python dev.py demo    install what is needed, then inpaint, outpaint and generate with the built-in model
    python dev.py test    install what the tests need, then check and test everything

Both make a virtual environment in `.venv` with the versions of `constraints.txt`, and are quick when nothing changed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
CONSTRAINTS = ROOT / "constraints.txt"

EXTRAS = {"demo": "daemon,engine", "test": "daemon,engine,test"}
DEBIAN_PACKAGES = (
    "krita",
    "python3-pyqt5",
    "python3-pyqt6",
    "python3-sip",
    "blender",
    "xvfb",
    "xdotool",
    "imagemagick",
)
HOST_PROGRAMS = ("krita", "blender", "Xvfb", "xdotool", "import")
CHECKS = (
    ("ruff check", ("-m", "ruff", "check", ".")),
    ("ruff format", ("-m", "ruff", "format", "--check", ".")),
    ("strict types", ("-m", "mypy")),
    ("import rules", ("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")),
)
COVERAGE_FLOOR = 85


def main() -> int:
    """Run the command that was asked for; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=sorted(EXTRAS))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to the demo, or to pytest")
    options = parser.parse_args()
    if sys.version_info < (3, 11):
        print(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 2
    install(EXTRAS[options.command])
    return demo(options.arguments) if options.command == "demo" else test(options.arguments)


def say(text: str) -> None:
    """Print a line of progress at once."""
    print(f"── {text}", flush=True)


def install(extras: str) -> None:
    """Make the virtual environment and install the project into it, unless that is done already."""
    stamp = VENV / f"installed-{extras.replace(',', '-')}"
    wanted = fingerprint()
    if stamp.is_file() and stamp.read_text() == wanted and PYTHON.is_file():
        return
    began = time.monotonic()
    if not PYTHON.is_file():
        say(f"making the virtual environment {VENV.name}")
        venv.create(VENV, with_pip=True)
    say(f"installing latent-bridge[{extras}] (the first time takes some minutes: torch is large)")
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--constraint", CONSTRAINTS]
    if not sys.stdout.isatty():
        command.append("--quiet")
    done = subprocess.run([*command, "--editable", f"{ROOT}[{extras}]"], cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"pip failed with status {done.returncode}; is there a network, and space on the disk?")
    stamp.write_text(wanted)
    say(f"installed in {time.monotonic() - began:.0f} s")


def fingerprint() -> str:
    """Changes when something has to be installed again."""
    digest = hashlib.sha256(f"{sys.version} {ROOT}".encode())
    for path in (ROOT / "pyproject.toml", CONSTRAINTS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def demo(arguments: list[str]) -> int:
    """Show what the bridge does."""
    return subprocess.run([PYTHON, "-m", "bridge.cli.main", "demo", *arguments], cwd=ROOT, check=False).returncode


def test(arguments: list[str]) -> int:
    """Check style, types and layout, then run the tests with coverage; pytest's closing line comes last."""
    install_host_programs()
    failed = []
    for name, command in CHECKS:
        done = subprocess.run([PYTHON, *command], cwd=ROOT, check=False, capture_output=True, text=True)
        say(f"{name}: {'ok' if done.returncode == 0 else 'FAILED'}")
        if done.returncode:
            failed.append(name)
            print(done.stdout + done.stderr, flush=True)
    if failed:
        say(f"failed so far: {', '.join(failed)}; the tests run all the same")
    coverage = [] if arguments else ["--cov", "--cov-report=term", f"--cov-fail-under={COVERAGE_FLOOR}"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    command = [PYTHON, "-m", "pytest", *coverage, *arguments]
    tests = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    return tests or (1 if failed else 0)


def install_host_programs() -> None:
    """Install Krita, Blender and what drives them where that is possible; say what will be skipped where it is not.

    The bpy module, Blender as a Python package, is not installed here: the tests fetch it into the user's cache.
    """
    missing = [program for program in HOST_PROGRAMS if shutil.which(program) is None]
    if not missing:
        return
    if not shutil.which("apt-get") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        say(f"not installed, and not to be installed here (that takes Debian and root): {', '.join(missing)};")
        say("the tests that drive these programs will be skipped")
        return
    say(f"installing {' '.join(DEBIAN_PACKAGES)} with apt")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ("apt-get", "update", "--quiet"),
        ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *DEBIAN_PACKAGES),
    ):
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            print(done.stdout[-2000:] + done.stderr[-2000:], flush=True)
            say(f"`{' '.join(command[:2])}` failed: the tests that drive a real Krita or Blender will be skipped")
            return


if __name__ == "__main__":
    sys.exit(main())
