"""What a plugin consists of: its own files plus the pure-Python packages that it carries.

The carried packages live in `latent_bridge/vendor/` and import one another from there: their absolute imports of one
another are made relative here, once, whatever the host calls the plugin's package (Blender's extensions live in
`bl_ext.user_default`). A host runs all of its plugins in one interpreter, and another plugin may bring a `websockets`
of another version, or a module called `bridge`; with names of our own neither can shadow the other, `sys.path` stays
as it is, and late imports find the right copy too.
"""

from __future__ import annotations

import importlib.util
import re
import sysconfig
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.protocol.errors import BridgeError, ErrorCode

PLUGIN = "latent_bridge"
VENDOR = f"{PLUGIN}.vendor"

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip can hold: the same files make the same archive whenever it is built."""
_CARRIED_SUFFIXES = frozenset({".py", ".typed"})
_PLUGIN_SUFFIXES = frozenset({".py", ".html", ".md", ".svg", ".png", ".toml"})


@dataclass(frozen=True)
class Carried:
    """A package that the plugin brings along.

    Attributes:
        name: import name.
        distribution: name under which it is installed, for its licence.
        parts: paths inside the package to take, files or folders; empty for all.
        without: paths inside the package to leave out.
    """

    name: str
    distribution: str
    parts: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


CARRIED = (
    Carried("bridge", "latent_bridge", parts=("__init__.py", "client", "protocol")),
    # What the synchronous client never imports is two thirds of the package.
    Carried("websockets", "websockets", without=("asyncio", "legacy", "cli.py", "__main__.py")),
    Carried("msgpack", "msgpack"),
)


def krita_files() -> dict[str, bytes]:
    """The files of the Krita plugin, by their path inside Krita's resource folder.

    Raises:
        BridgeError: `internal` when the sources or a carried package are not where they should be.
    """
    source = plugin_source("krita")
    files = {
        f"pykrita/{PLUGIN}.desktop": (source / f"{PLUGIN}.desktop").read_bytes(),
        f"actions/{PLUGIN}.action": (source / f"{PLUGIN}.action").read_bytes(),
    }
    files |= {f"pykrita/{name}": data for name, data in package_files(source).items()}
    return dict(sorted(files.items()))


def blender_files() -> dict[str, bytes]:
    """The files of the Blender add-on, in one folder: extensions may lie in one, and older add-ons must.

    Raises:
        BridgeError: as `krita_files`.
    """
    return package_files(plugin_source("blender"))


def package_files(source: Path) -> dict[str, bytes]:
    """The plugin's Python package with its licence and what it carries along."""
    files = {f"{PLUGIN}/LICENSE": (source / "LICENSE").read_bytes()}
    for path in _files_under(source / PLUGIN, _PLUGIN_SUFFIXES):
        relative = path.relative_to(source / PLUGIN)
        if relative.parts[0] != "vendor":
            files[f"{PLUGIN}/{relative.as_posix()}"] = path.read_bytes()
    for name, data in vendor_files().items():
        files[f"{PLUGIN}/vendor/{name}"] = data
    return dict(sorted(files.items()))


def vendor_files(carried: Iterable[Carried] = CARRIED) -> dict[str, bytes]:
    """The carried packages, rewritten to import one another from the vendor folder, with their licences."""
    carried = tuple(carried)
    names = [package.name for package in carried]
    files = {"__init__.py": b'"""Packages that the plugin carries along, under names of its own."""\n'}
    for package in carried:
        folder = package_folder(package.name)
        for path in _chosen(folder, package):
            source = path.read_text(encoding="utf-8")
            relative = path.relative_to(folder).as_posix()
            up = "." * (relative.count("/") + 2)
            files[f"{package.name}/{relative}"] = rewritten(source, names, up).encode()
        for licence in _licences(folder, package.distribution):
            files[f"{package.name}/{licence.name}"] = licence.read_bytes()
    return files


def rewritten(source: str, names: Iterable[str], root: str = VENDOR) -> str:
    """Source code whose absolute imports of the named packages go to `root`, a package or dots.

    Only the two forms that the carried packages use: `import name` and `from name[.more] import …`.
    """
    choice = "|".join(map(re.escape, names))
    inside = root if root.endswith(".") else f"{root}."
    source = re.sub(rf"^(\s*)from ({choice})(?=[. ])", rf"\1from {inside}\2", source, flags=re.MULTILINE)
    return re.sub(rf"^(\s*)import ({choice})$", rf"\1from {root} import \2", source, flags=re.MULTILINE)


def write_zip(files: Mapping[str, bytes], path: Path) -> None:
    """Write an archive for Krita's importer or Blender's installer: same files, same bytes.

    Krita's importer looks for a folder entry named like the plugin, so folders get entries of their own.
    """
    entries = {name.removeprefix("pykrita/"): data for name, data in files.items()}
    folders = {f"{parent.as_posix()}/" for name in entries for parent in list(Path(name).parents)[:-1]}
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted([*entries, *folders]):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = (0o40755 << 16 | 0x10) if name.endswith("/") else 0o100644 << 16
            info.compress_type = zipfile.ZIP_STORED if name.endswith("/") else zipfile.ZIP_DEFLATED
            archive.writestr(info, entries.get(name, b""))


def plugin_source(host: str) -> Path:
    """Where the plugin for a host program lies: in a checkout, or beside an installed package.

    Raises:
        BridgeError: `internal` when it is in neither place.
    """
    checkout = Path(__file__).resolve().parents[2] / "plugins" / host
    installed = Path(sysconfig.get_path("data")) / "share" / "latent-bridge" / "plugins" / host
    for folder in (checkout, installed):
        if (folder / PLUGIN / "__init__.py").is_file():
            return folder
    raise _missing(f"The sources of the {host} plugin are neither in {checkout} nor in {installed}.")


def package_folder(name: str) -> Path:
    """The folder of an installed package. Raises `BridgeError` when there is none."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise _missing(f"The package {name}, which the plugin carries along, is not installed.")
    return Path(next(iter(found.submodule_search_locations)))


def _chosen(folder: Path, package: Carried) -> list[Path]:
    chosen = []
    for path in _files_under(folder, _CARRIED_SUFFIXES):
        relative = path.relative_to(folder).as_posix()
        wanted = not package.parts or any(_lies_in(relative, part) for part in package.parts)
        if wanted and not any(_lies_in(relative, part) for part in package.without):
            chosen.append(path)
    return chosen


def _lies_in(relative: str, part: str) -> bool:
    return relative == part or relative.startswith(f"{part}/")


def _licences(folder: Path, distribution: str) -> list[Path]:
    """The licence files of a package: beside its folder in a checkout, or in what the installer left."""
    beside = folder.parent / "LICENSE"
    if (folder.parent / "pyproject.toml").is_file() and beside.is_file():
        return [beside]
    found = [path for info in folder.parent.glob(f"{distribution}-*.dist-info") for path in info.rglob("*")]
    return sorted(path for path in found if path.is_file() and path.name.startswith(("LICEN", "COPYING")))


def _files_under(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in suffixes and path.is_file() and "__pycache__" not in path.parts
    )


def _missing(message: str) -> BridgeError:
    return BridgeError(ErrorCode.INTERNAL, message, hint="Install the project again, or run from a full checkout.")
