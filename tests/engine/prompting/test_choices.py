"""Choices in prompts: drawn by the seed, nested, with shares, and harmless when they are not well-formed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.prompting.choices import choose_options

SEEDS = st.integers(0, 2**32 - 1)
MARKUP = st.text(alphabet="ab {}|\\:2(", max_size=40)


def outcomes(prompt: str, seeds: int = 400) -> Counter[str]:
    return Counter(choose_options(prompt, seed) for seed in range(seeds))


def test_every_option_is_drawn_about_equally_often() -> None:
    drawn = outcomes("a {red|green|blue} wall")
    assert set(drawn) == {"a red wall", "a green wall", "a blue wall"}
    assert min(drawn.values()) > 90


def test_an_option_with_a_share_is_drawn_as_often_as_it_says() -> None:
    drawn = outcomes("{3::red|blue}")
    assert set(drawn) == {"red", "blue"}
    assert 250 < drawn["red"] < 350


def test_an_option_without_a_share_of_its_own_is_never_drawn_when_it_says_zero() -> None:
    assert set(outcomes("{0::red|blue|0.5::green}")) == {"blue", "green"}
    assert set(outcomes("{0::red|0::blue}")) == {"red", "blue"}


def test_options_hold_choices_themselves() -> None:
    assert set(outcomes("{a {red|green} wall|stone}")) == {"a red wall", "a green wall", "stone"}


def test_an_option_may_be_empty() -> None:
    assert set(outcomes("{|old }wall")) == {"wall", "old wall"}


@pytest.mark.parametrize(
    "text", ["{red}", "a { wall", "a } wall", "red|green", "{a|b", "a|b}", r"\{a|b\}", r"{a\|b}", "{}"]
)
def test_what_offers_no_choice_is_text(text: str) -> None:
    assert set(outcomes(text, 20)) == {text}


def test_choices_in_the_same_places_agree_between_prompts_of_one_seed() -> None:
    pairs = {(choose_options("{day|night}", seed), choose_options("not {dark|bright}", seed)) for seed in range(50)}
    assert pairs == {("day", "not dark"), ("night", "not bright")}


def test_the_draw_of_a_seed_is_the_same_for_all_time() -> None:
    # Stored recipes depend on it.
    drawn = [choose_options("{a|b|c|d|e|f|g|h}", seed) for seed in (0, 1, 2, 3, 2**32 - 1)]
    assert drawn == ["g", "b", "h", "b", "f"]


@given(MARKUP, SEEDS)
def test_the_same_seed_chooses_the_same(prompt: str, seed: int) -> None:
    assert choose_options(prompt, seed) == choose_options(prompt, seed)


@given(MARKUP, SEEDS, SEEDS)
def test_a_prompt_with_its_choices_made_has_none_left(prompt: str, seed: int, other: int) -> None:
    chosen = choose_options(prompt, seed)
    assert choose_options(chosen, other) == chosen


def test_a_hostile_depth_is_no_problem() -> None:
    assert choose_options("{" * 4000 + "|}" * 4000, 1) is not None
    assert choose_options("{a|" * 2700, 1) == "{a|" * 2700
