"""Tokens in chunks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.prompting.chunks import Token, Vocabulary, chunks_needed, in_chunks

VOCABULARY = Vocabulary(begin=1000, end=1001, padding=1002, length=7)


def numbers(row: list[Token]) -> list[int]:
    return [token.number for token in row]


def test_no_text_is_one_empty_chunk() -> None:
    assert chunks_needed(0, VOCABULARY) == 1
    (row,) = in_chunks([], VOCABULARY, 1)
    assert numbers(row) == [1000, 1001, 1002, 1002, 1002, 1002, 1002]


def test_text_that_fits_exactly_needs_no_second_chunk() -> None:
    assert [chunks_needed(count, VOCABULARY) for count in (1, 5, 6, 10, 11)] == [1, 1, 2, 2, 3]


@given(st.lists(st.tuples(st.integers(0, 999), st.floats(0, 2)), max_size=40), st.integers(0, 3))
def test_chunks_hold_the_text_in_order_with_its_weights_and_frames_weigh_nothing_special(
    text: list[tuple[int, float]], spare: int
) -> None:
    tokens = [Token(*each) for each in text]
    rows = in_chunks(tokens, VOCABULARY, chunks_needed(len(tokens), VOCABULARY) + spare)
    assert {len(row) for row in rows} == {VOCABULARY.length}
    assert all(row[0] == Token(VOCABULARY.begin) for row in rows)
    assert [token for row in rows for token in row if token.number < 1000] == tokens
    assert all(token.weight == 1 for row in rows for token in row if token.number >= 1000)
    assert [numbers(row).count(VOCABULARY.end) for row in rows] == [1] * len(rows)
