"""Weights and tags in prompts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.prompting.resolve import resolve_prompt
from bridge.engine.prompting.weights import LIMIT, Span, parse_weights
from bridge.protocol.tasks import LoraUse

SPECIAL = set("\\()[]{}|<>:")
PLAIN = st.text().filter(lambda text: not SPECIAL & set(text))
MARKUP = st.text(alphabet="ab ()[]:12.\\<>{}|", max_size=60)
SEEDS = st.integers(0, 2**32 - 1)


def spans(prompt: str) -> list[tuple[str, float]]:
    return [(span.text, round(span.weight, 4)) for span in parse_weights(prompt).spans]


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("", []),
        ("a wall", [("a wall", 1)]),
        ("a (red) wall", [("a ", 1), ("red", 1.1), (" wall", 1)]),
        ("a ((red)) wall", [("a ", 1), ("red", 1.21), (" wall", 1)]),
        ("a [red] wall", [("a ", 1), ("red", 0.9091), (" wall", 1)]),
        ("([red])", [("red", 1)]),
        ("(red:1.3)", [("red", 1.3)]),
        ("(red: 1.3 )", [("red", 1.3)]),
        ("(red:.5)", [("red", 0.5)]),
        ("(red:-1)", [("red", -1)]),
        ("(a (red:2) wall:1.5)", [("a ", 1.5), ("red", 3), (" wall", 1.5)]),
        ("(red wall:1)", [("red wall", 1)]),
        ("(red:99)", [("red", LIMIT)]),
        ("scale 1:100", [("scale 1:100", 1)]),
        ("(ratio 16:9)", [("ratio 16", 9)]),
        (r"(ratio 16\:9)", [("ratio 16:9", 1.1)]),
    ],
)
def test_brackets_weigh(prompt: str, said: list[tuple[str, float]]) -> None:
    assert spans(prompt) == said


@pytest.mark.parametrize(
    "prompt", ["a ( wall", "a ) wall", "a [ wall", ":-) :-(", "red:1.2)", "]a[", "<lora>", "<", "a\\"]
)
def test_what_is_not_balanced_is_text(prompt: str) -> None:
    assert spans(prompt) == [(prompt, 1)]


def test_a_closing_bracket_takes_the_nearest_opener_of_its_kind() -> None:
    assert spans("[a (b] c") == [("a (b", 0.9091), (" c", 1)]
    assert spans("(a [b) c]") == [("a [b", 1.1), (" c]", 1)]


def test_a_backslash_makes_brackets_text() -> None:
    assert spans(r"a \(red\) \[old\] wall \\") == [("a (red) [old] wall \\", 1)]
    assert spans(r"(a \) b)") == [("a ) b", 1.1)]


def test_lora_tags_leave_the_text() -> None:
    said = parse_weights("a wall <lora:moss:0.8>, old<lora:ink> <lora:moss:-.5>")
    assert said.loras == (LoraUse("moss", 0.8), LoraUse("ink", 1.0), LoraUse("moss", -0.5))
    assert said.spans == (Span("a wall , old"),)


def test_a_lora_tag_keeps_the_brackets_of_its_name() -> None:
    said = parse_weights("(wall <lora:moss (v2):0.8>:1.2)")
    assert said.loras == (LoraUse("moss (v2)", 0.8),)
    assert said.spans == (Span("wall ", 1.2),)


def test_a_lora_is_held_to_what_the_protocol_allows() -> None:
    assert parse_weights("<lora:moss:40>").loras == (LoraUse("moss", 4.0),)


def test_embedding_tags_stay_as_tokens_of_their_own() -> None:
    said = parse_weights("a (<embedding:worn>:1.2) wall, <embedding:worn>")
    assert said.embeddings == ("worn",)
    assert said.spans == (Span("a "), Span("<embedding:worn>", 1.2), Span(" wall, <embedding:worn>"))


@given(PLAIN, SEEDS)
def test_text_without_special_characters_comes_back_unchanged(prompt: str, seed: int) -> None:
    resolved = resolve_prompt(prompt, seed)
    assert (resolved.text, resolved.prompt) == (prompt, prompt)
    assert not resolved.is_weighted


@given(st.text() | MARKUP, SEEDS)
def test_any_string_resolves(prompt: str, seed: int) -> None:
    resolved = resolve_prompt(prompt, seed)
    assert all(span.text and abs(span.weight) <= LIMIT for span in resolved.spans)
    assert all(a.weight != b.weight for a, b in zip(resolved.spans, resolved.spans[1:], strict=False))


@given(MARKUP, SEEDS, SEEDS)
def test_a_resolved_prompt_resolves_to_itself(prompt: str, seed: int, other: int) -> None:
    resolved = resolve_prompt(prompt, seed)
    assert resolve_prompt(resolved.prompt, other) == resolved


@given(st.text(min_size=1))
def test_any_text_can_be_escaped(text: str) -> None:
    escaped = "".join("\\" + character if character in SPECIAL else character for character in text)
    assert resolve_prompt(escaped, 0).text == text


@given(st.lists(st.floats(0.5, 1.5).map(lambda weight: round(weight, 3)), min_size=1, max_size=5))
def test_nested_weights_multiply(weights: list[float]) -> None:
    prompt, product = "red", 1.0
    for weight in weights:
        prompt, product = f"({prompt}:{weight})", product * weight
    (span,) = parse_weights(prompt).spans
    assert span.text == "red"
    assert span.weight == pytest.approx(product)


def test_choices_are_made_before_weights_are_read() -> None:
    drawn = {resolve_prompt("({red|green}:{1.2|1.4}) wall", seed).spans[0] for seed in range(60)}
    assert drawn == {Span(text, weight) for text in ("red", "green") for weight in (1.2, 1.4)}


def test_a_hostile_depth_is_no_problem() -> None:
    assert parse_weights("(a" * 2700 + ")" * 2700).spans[-1].weight == LIMIT
    assert len(parse_weights("[" * 4000 + ")" * 4000).spans) == 1
