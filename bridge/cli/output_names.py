"""What files are called. Pure, but for asking whether a name is taken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

from .failures import usage_error

SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
LONGEST_SLUG = 48


def slug(text: str) -> str:
    """A file name's stem from a prompt: ASCII words joined by dashes, cut at a word."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    stem = ""
    for word in re.findall(r"[a-z0-9]+", ascii_text):
        longer = f"{stem}-{word}" if stem else word[:LONGEST_SLUG]
        if len(longer) > LONGEST_SLUG:
            break
        stem = longer
    return stem


def planned_path(output: Path | None, prompt: str, seed: int, fallback: str) -> Path:
    """Where the first picture goes: as the user said, or named after prompt and seed, in the folder that he named.

    Raises:
        Failure: for a suffix that is not a picture's.
    """
    default = f"{slug(prompt) or fallback}-{seed}.png"
    if output is None:
        return Path(default)
    return output / default if is_folder(output) else output


def is_folder(output: Path) -> bool:
    """Whether the user named a folder rather than a file."""
    return output.is_dir()


def check_output(output: Path | None) -> None:
    """Refuse what cannot be written, before a job is run for it.

    Raises:
        Failure: usage.
    """
    if output is None or is_folder(output):
        return
    if output.suffix.lower() not in SUFFIXES:
        raise usage_error(f"{output} does not name a picture.", f"Use one of {', '.join(SUFFIXES)}.", "output")
    if not output.absolute().parent.is_dir():
        raise usage_error(f"The folder {output.absolute().parent} does not exist.", field="output")


def numbered(path: Path) -> Iterator[Path]:
    """`moss.png`, `moss-2.png`, `moss-3.png` …"""
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1


def free_path(path: Path, taken: Callable[[Path], bool] = Path.exists) -> Path:
    """The first of the numbered names that is not taken."""
    return next(candidate for candidate in numbered(path) if not taken(candidate))
