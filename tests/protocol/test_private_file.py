"""Files that only their user may read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.protocol.private_file import replacing, write_private


def test_the_text_is_there_and_nothing_else(tmp_path: Path):
    path = tmp_path / "new" / "token"
    write_private(path, "schlüssel")
    assert path.read_text("utf-8") == "schlüssel"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a user's folder is private already")
def test_nobody_else_may_read_it_even_if_they_might_before(tmp_path: Path):
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "token"
    path.mkdir()
    with pytest.raises(OSError, match="token"):
        write_private(path, "new")
    assert path.is_dir()


def test_an_error_while_it_is_written_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "kept"
    path.write_text("old")

    def half() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
