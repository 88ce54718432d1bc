"""A model's hash follows its contents alone, and is not computed twice for the same ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.engine.models.fingerprint import Fingerprints


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(bytes(range(256)) * 1000)
    return path


def hash_of(hashes: Fingerprints, path: Path) -> str:
    return hashes.start(path, (path,)).result()


def test_a_hash_is_remembered_by_the_next_process(file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "data" / "hashes.json"
    first, second = Fingerprints(cache), Fingerprints(cache)
    assert hash_of(first, file) == hash_of(second, file)
    assert (first.files_read, second.files_read) == (1, 0)


def test_a_file_that_was_renamed_is_the_same_and_is_not_read_again(file: Path, tmp_path: Path) -> None:
    hashes = Fingerprints(tmp_path / "hashes.json")
    before = hash_of(hashes, file)
    moved = tmp_path / "elsewhere" / "better name.safetensors"
    moved.parent.mkdir()
    file.rename(moved)
    assert hash_of(hashes, moved) == before
    assert hashes.files_read == 1


def test_a_copy_has_the_same_hash(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(file.read_bytes())
    os.utime(copy, ns=(1, 1))
    hashes = Fingerprints()
    assert hash_of(hashes, copy) == hash_of(hashes, file)


def test_a_change_anywhere_is_noticed(file: Path) -> None:
    hashes = Fingerprints()
    before = hash_of(hashes, file)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(5, 5))
    assert hash_of(hashes, file) != before


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": "b"}', '{"a": 1}'])
def test_a_damaged_memory_is_no_memory(file: Path, tmp_path: Path, content: str) -> None:
    cache = tmp_path / "hashes.json"
    cache.write_text(content)
    assert hash_of(Fingerprints(cache), file) == hash_of(Fingerprints(), file)


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(file: Path, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder should be")
    assert hash_of(Fingerprints(tmp_path / "blocked" / "hashes.json"), file).startswith("sha256:")
