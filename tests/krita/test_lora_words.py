"""Which LoRA is being typed in a prompt, and which are offered for it."""

from __future__ import annotations

import pytest
from latent_bridge.lora_words import Typed, matching, typed_lora, word_of


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("moss <", Typed(5, "")),
        ("moss <lo", Typed(5, "")),
        ("moss <lora:", Typed(5, "")),
        ("moss <lora:wet st", Typed(5, "wet st")),
        ("<LORA:Wet", Typed(0, "Wet")),
        ("<lora:a:1> <lora:b", Typed(11, "b")),
    ],
)
def test_a_lora_is_recognised_while_it_is_typed(text: str, typed: Typed):
    assert typed_lora(text, len(text)) == typed


@pytest.mark.parametrize("text", ["", "moss", "a < b", "<b", "<lora:wet:", "<lora:wet:0.8>", "<lora:a\nb"])
def test_anything_else_is_none(text: str):
    assert typed_lora(text, len(text)) is None


def test_only_what_lies_before_the_cursor_counts():
    assert typed_lora("<lora:wet stones", 9) == Typed(0, "wet")


def test_names_that_begin_with_it_come_first():
    names = ["old-mossy", "Mossy", "stone", "moss2"]
    assert matching(Typed(0, "MOS"), names) == ["Mossy", "moss2", "old-mossy"]
    assert matching(Typed(0, ""), names) == names


def test_what_is_written_is_complete():
    assert word_of("mossy") == "<lora:mossy:1>"
    assert typed_lora(word_of("mossy"), 14) is None
