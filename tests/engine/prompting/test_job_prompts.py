"""The prompts of a job: by image, told once, and together only where that changes nothing."""

from __future__ import annotations

import itertools

from bridge.engine.prompting.job_prompts import JobPrompts
from bridge.engine.prompting.plain_text import PlainText
from bridge.protocol.errors import BridgeError
from bridge.protocol.tasks import LoraUse, TextToImage

READS_PLAIN_TEXT = PlainText(None)


def job(prompt: str, told: list[BridgeError] | None = None, seed: int = 0) -> JobPrompts:
    return JobPrompts(TextToImage(prompt=prompt, seed=seed), READS_PLAIN_TEXT, ([] if told is None else told).append)


def test_an_image_has_the_prompt_of_its_own_seed() -> None:
    prompt = "{a|b|c|d|e|f|g|h}"
    assert [job(prompt).of(n) for n in range(8)] == [job(prompt, seed=n).of(0) for n in range(8)]


def test_images_with_other_loras_are_left_to_the_next_batch() -> None:
    prompts = job("{<lora:moss:1>|<lora:ink:0.5>} wall")
    index, batches = 0, []
    while index < 12:
        batch = prompts.together(index, 12 - index)
        assert len({each.loras for each in batch}) == 1
        batches.append(batch[0].loras)
        index += len(batch)
    assert set(batches) == {(LoraUse("moss", 1.0),), (LoraUse("ink", 0.5),)}
    assert all(before != after for before, after in itertools.pairwise(batches))


def test_other_words_alone_keep_images_together() -> None:
    assert len(job("{red|green|blue} wall").together(0, 6)) == 6


def test_each_thing_is_told_once() -> None:
    told: list[BridgeError] = []
    prompts = job("(red:1.2) wall", told)
    prompts.together(0, 4)
    prompts.together(4, 4)
    assert len(told) == 1
