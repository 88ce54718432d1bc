"""Prompts for encoders that take plain text up to a length."""

from __future__ import annotations

from typing import Any

import diffusers
import pytest
import torch
from transformers import T5Config, T5EncoderModel

from bridge.engine.prompting.image_prompts import ImagePrompts
from bridge.engine.prompting.plain_text import PlainText
from bridge.engine.prompting.reading import reading_of
from tests.engine.bench import Bench
from tests.tiny_parts import spelling_tokenizer


@pytest.fixture
def sd3_with_t5(bench: Bench) -> Any:
    """Stable Diffusion 3 with the encoder that reads furthest: 256 tokens unless told otherwise, 512 at most."""
    parts = dict(bench.shelf.get(bench.source("sd3"), lambda: None).base.components)
    size = {"d_model": 64, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 4}
    parts.update(text_encoder_3=T5EncoderModel(T5Config(vocab_size=160, **size)), tokenizer_3=spelling_tokenizer())
    return diffusers.StableDiffusion3Pipeline(**parts)


def said(pipe: Any, prompt: str, negative: str = "") -> tuple[dict[str, Any], list[tuple[str, str]]]:
    reading = reading_of(pipe)
    assert isinstance(reading, PlainText)
    prompts = ImagePrompts.of(prompt, negative, 0)
    return reading.arguments([prompts]), [(each.field, each.message) for each in reading.shortcomings(prompts)]


def test_a_short_prompt_is_given_as_ever(sd3_with_t5: Any) -> None:
    assert said(sd3_with_t5, "moss") == ({"prompt": ["moss"], "negative_prompt": [""]}, [])


def test_a_long_prompt_goes_to_the_encoder_that_can_read_it(sd3_with_t5: Any) -> None:
    arguments, notices = said(sd3_with_t5, "a" * 400)
    assert notices == []
    assert arguments["max_sequence_length"] == 512
    with torch.inference_mode():
        texts, ends = (
            sd3_with_t5.encode_prompt(["a" * 399 + end], None, None, max_sequence_length=512)[0] for end in "bc"
        )
    assert not torch.equal(texts, ends)


def test_what_no_encoder_can_read_is_told_with_its_field(sd3_with_t5: Any) -> None:
    arguments, notices = said(sd3_with_t5, "moss", "a" * 512 + "bc")
    assert arguments["max_sequence_length"] == 512
    ((field, message),) = notices
    assert field == "task.negative_prompt"
    assert message.endswith("Left out: bc")


def test_weights_are_told_and_taken_out_of_the_text(sd3_with_t5: Any) -> None:
    arguments, notices = said(sd3_with_t5, "a (red:1.4) wall")
    assert arguments["prompt"] == ["a red wall"]
    assert [field for field, _ in notices] == ["task.prompt"]
