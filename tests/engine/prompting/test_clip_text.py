"""Embeddings of weighted and long prompts, beside those that the pipelines compute themselves."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bridge.engine.prompting.clip_text import ClipText, weighted
from bridge.engine.prompting.image_prompts import ImagePrompts
from bridge.engine.prompting.reading import reading_of
from tests.engine.bench import Bench

LENGTH = 32
"""Tokens that a tiny text encoder reads at once."""


@pytest.fixture(params=["sd", "sdxl"])
def pipe(request: pytest.FixtureRequest, bench: Bench) -> Any:
    return bench.shelf.get(bench.source(request.param), lambda: None).base


def embeddings(pipe: Any, *prompts: str, negative: str = "") -> dict[str, Any]:
    reading = reading_of(pipe)
    assert isinstance(reading, ClipText)
    with torch.inference_mode():
        return reading.arguments([ImagePrompts.of(prompt, negative, 0) for prompt in prompts])


def own(pipe: Any, prompt: str, negative: str) -> list[torch.Tensor]:
    with torch.inference_mode():
        found = pipe.encode_prompt(
            prompt=[prompt],
            negative_prompt=[negative],
            device=pipe.device,
            num_images_per_prompt=1,
            do_classifier_free_guidance=True,
        )
    return list(found)


def test_a_plain_prompt_is_left_to_the_pipeline(pipe: Any) -> None:
    assert embeddings(pipe, "red moss", negative="dust") == {"prompt": ["red moss"], "negative_prompt": ["dust"]}
    assert embeddings(pipe, "(red:1.0) moss") == {"prompt": ["red moss"], "negative_prompt": [""]}


def test_chunks_are_what_the_pipeline_reads_of_each(pipe: Any) -> None:
    first, second = "a" * 30, "bcd"
    made = embeddings(pipe, f"{first} {second}", negative="dust")
    texts, negatives, *pooled = own(pipe, first, "dust")
    rest, nothing, *_ = own(pipe, second, "")
    torch.testing.assert_close(made["prompt_embeds"], torch.cat([texts, rest], dim=1), rtol=0, atol=1e-6)
    torch.testing.assert_close(
        made["negative_prompt_embeds"], torch.cat([negatives, nothing], dim=1), rtol=0, atol=1e-6
    )
    if pooled:
        torch.testing.assert_close(made["pooled_prompt_embeds"], pooled[0], rtol=0, atol=1e-6)
        torch.testing.assert_close(made["negative_pooled_prompt_embeds"], pooled[1], rtol=0, atol=1e-6)


def test_a_weight_scales_its_tokens_beside_the_others(pipe: Any) -> None:
    plain, _, *_ = own(pipe, "ab cd", "")
    made = embeddings(pipe, "ab (cd:1.5)")["prompt_embeds"]
    ratio = (made / plain)[0, :, :32].median(dim=-1).values.tolist()  # The first encoder's part.
    assert ratio[3] == pytest.approx(ratio[1] * 1.5, rel=1e-4)
    assert ratio[4] == pytest.approx(ratio[1] * 1.5, rel=1e-4)
    assert float(made.abs().mean()) == pytest.approx(float(plain.abs().mean()), rel=1e-3)


def test_images_of_one_batch_keep_their_order_and_get_the_same_length(pipe: Any) -> None:
    made = embeddings(pipe, "(moss:1.2)", "b" * 65, "(moss:1.2)")["prompt_embeds"]
    assert made.shape[:2] == (3, 3 * LENGTH)
    assert torch.equal(made[0], made[2])
    assert not torch.equal(made[0], made[1])


def test_a_text_without_any_weight_left_becomes_silent_not_infinite() -> None:
    states = torch.randn(1, 4, 8)
    assert torch.equal(weighted(states, torch.zeros(1, 4)), torch.zeros(1, 4, 8))
    assert torch.equal(weighted(states, torch.ones(1, 4)), states)
