"""Files are named after what they show, and nothing is overwritten silently."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.failures import Failure
from bridge.cli.output_names import LONGEST_SLUG, check_output, free_path, planned_path, slug


@pytest.mark.parametrize(
    ("prompt", "stem"),
    [
        ("mossy cobblestone", "mossy-cobblestone"),
        ("  A red, brick WALL!  ", "a-red-brick-wall"),
        ("Café à la crème", "cafe-a-la-creme"),
        ("../../etc/passwd", "etc-passwd"),
        ("苔", ""),
        ("", ""),
    ],
)
def test_a_name_is_the_words_of_the_prompt(prompt, stem):
    assert slug(prompt) == stem


@given(st.text())
def test_a_name_is_short_and_safe_whatever_the_prompt(prompt):
    stem = slug(prompt)
    assert len(stem) <= LONGEST_SLUG
    assert all(character.isascii() and (character.isalnum() or character == "-") for character in stem)
    assert not stem.startswith("-")


def test_without_a_wish_the_file_is_named_after_prompt_and_seed(tmp_path):
    assert planned_path(None, "red brick", 7, "inpaint") == Path("red-brick-7.png")
    assert planned_path(None, "苔", 7, "inpaint") == Path("inpaint-7.png")
    assert planned_path(tmp_path, "red brick", 7, "inpaint") == tmp_path / "red-brick-7.png"
    assert planned_path(tmp_path / "x.jpg", "red brick", 7, "inpaint") == tmp_path / "x.jpg"


def test_a_taken_name_gets_a_number(tmp_path):
    wished = tmp_path / "moss.png"
    assert free_path(wished) == wished
    wished.touch()
    (tmp_path / "moss-2.png").touch()
    assert free_path(wished) == tmp_path / "moss-3.png"


@pytest.mark.parametrize("output", ["picture", "picture.gif", "picture.tiff", "nowhere/picture.png"])
def test_what_cannot_be_written_is_refused_before_any_work(tmp_path, output):
    with pytest.raises(Failure) as caught:
        check_output(tmp_path / output)
    assert caught.value.code == 2


@pytest.mark.parametrize("output", ["picture.png", "picture.JPG", "picture.jpeg", "picture.webp", "."])
def test_pictures_and_folders_are_fine(tmp_path, output):
    assert check_output(tmp_path / output) is None
