"""Ctrl+Up and Ctrl+Down in a prompt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from latent_bridge.weights import Marked, shifted


@pytest.mark.parametrize(
    ("before", "direction", "after"),
    [
        (Marked("red brick wall", 4, 9), 1, Marked("red (brick:1.1) wall", 4, 15)),
        (Marked("red brick wall", 6, 6), -1, Marked("red (brick:0.9) wall", 4, 15)),
        (Marked("red (brick:1.1) wall", 4, 15), 1, Marked("red (brick:1.2) wall", 4, 15)),
        (Marked("red (brick:1.1) wall", 7, 7), -1, Marked("red brick wall", 4, 9)),
        (Marked("old moss", 0, 8), 1, Marked("(old moss:1.1)", 0, 14)),
        (Marked("(a:3)", 2, 2), 1, Marked("(a:3)", 0, 5)),
        (Marked("a,  ", 3, 3), 1, Marked("a,  ", 3, 3)),
        (Marked("", 0, 0), 1, Marked("", 0, 0)),
    ],
)
def test_marked_words_or_the_word_at_the_cursor(before: Marked, direction: int, after: Marked):
    assert shifted(before, direction) == after


@given(st.text("ab ,", max_size=12), st.integers(0, 12), st.integers(1, 8))
def test_as_many_steps_down_as_up_leave_the_text_as_it_was(text: str, at: int, steps: int):
    at = min(at, len(text))
    marked = Marked(text, at, at)
    for direction in (1, -1):
        for _ in range(steps):
            marked = shifted(marked, direction)
    assert marked.text == text
