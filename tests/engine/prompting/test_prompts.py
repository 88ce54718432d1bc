"""What prompts do to pictures and recipes, with real pipelines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.protocol.tasks import TextToImage
from tests.engine.bench import Bench, Outcome, pixels
from tests.engine.test_determinism import TASKS

CLIP_ALONE = ["sd", "sdxl"]
LONG = " ".join(["moss"] * 50)


def run(bench: Bench, model: str, prompt: str, **more: object) -> Outcome:
    return bench.run(TextToImage(**{"prompt": prompt, "seed": 4, "width": 64, "height": 64, "steps": 2, **more}), model)


def picture(bench: Bench, model: str, prompt: str, **more: object) -> bytes:
    return bytes(run(bench, model, prompt, **more).layer.picture.pixels)


@pytest.mark.parametrize("model", CLIP_ALONE)
def test_a_weight_of_one_is_none(bench: Bench, model: str) -> None:
    assert picture(bench, model, "(red:1.0) moss") == picture(bench, model, "red moss")


@pytest.mark.parametrize("model", CLIP_ALONE)
def test_weights_change_the_picture(bench: Bench, model: str) -> None:
    plain = picture(bench, model, "red moss")
    assert len({plain, picture(bench, model, "(red:1.4) moss"), picture(bench, model, "[red] moss")}) == 3
    assert picture(bench, model, "red moss", negative_prompt="(dust:1.4)") != picture(
        bench, model, "red moss", negative_prompt="dust"
    )


@pytest.mark.parametrize("model", CLIP_ALONE)
def test_the_last_word_of_a_long_prompt_matters(bench: Bench, model: str) -> None:
    outcome = run(bench, model, f"{LONG} red")
    assert outcome.notices == []
    assert bytes(outcome.layer.picture.pixels) != picture(bench, model, f"{LONG} old")


@pytest.mark.parametrize("model", CLIP_ALONE)
def test_a_long_negative_prompt_is_read_to_its_end(bench: Bench, model: str) -> None:
    assert picture(bench, model, "moss", negative_prompt=f"{LONG} red") != picture(
        bench, model, "moss", negative_prompt=f"{LONG} old"
    )


def test_escaped_brackets_are_read_as_brackets(bench: Bench) -> None:
    assert run(bench, "sd", r"moss \(old\)").layer.recipe["prompt"] == {"positive": r"moss \(old\)", "negative": ""}


def test_wildcards_differ_between_images_and_come_again_with_the_seed(bench: Bench) -> None:
    prompt = "{red|green|blue|old|new|dark} moss"
    layers = run(bench, "sd", prompt, images=4, negative_prompt="{a|b}").layers
    said = [layer.recipe["prompt"]["positive"] for layer in layers]
    assert len(set(said)) > 1
    for layer, words in zip(layers, said, strict=True):
        assert layer.recipe["parameters"]["prompt"] == prompt
        assert layer.recipe["prompt"]["negative"] in ("a", "b")
        alone = run(bench, "sd", prompt, seed=layer.seed, negative_prompt="{a|b}").layer
        assert alone.picture.pixels == layer.picture.pixels
        assert alone.recipe["prompt"]["positive"] == words
        plain = picture(bench, "sd", words, seed=layer.seed, negative_prompt=layer.recipe["prompt"]["negative"])
        assert plain == layer.picture.pixels


@pytest.mark.parametrize("prompt", ["{red|(green:1.3)|blue} moss", f"{{red|{LONG}}} moss"])
def test_images_painted_together_are_those_painted_alone(bench: Bench, prompt: str) -> None:
    alone = run(bench, "sd", prompt, images=4).layers
    together = run(bench, "sd", prompt, images=4, batch_size=4).layers
    for one, other in zip(alone, together, strict=True):
        assert one.recipe["prompt"] == other.recipe["prompt"]
        difference = pixels(one.picture).astype(int) - pixels(other.picture).astype(int)
        assert abs(difference).max() <= 2


def test_images_of_different_length_are_painted_one_after_the_other(bench: Bench) -> None:
    # Padding one to the length of the other would change its picture.
    layers = run(bench, "sd", f"{{red|{LONG}}} moss", images=4, batch_size=4).layers
    lengths = [len(layer.recipe["prompt"]["positive"]) > 40 for layer in layers]
    assert set(lengths) == {True, False}
    for n, layer in enumerate(layers):
        neighbours = [lengths[m] for m in (n - 1, n + 1) if 0 <= m < 4]
        if lengths[n] not in neighbours:
            assert layer.recipe["batched"] is False


def test_a_model_that_reads_plain_text_gets_the_words_and_says_so_once(bench: Bench) -> None:
    outcome = run(bench, "sd3", "(red:1.4) moss", images=2)
    assert len(outcome.notices) == 1
    assert "no effect" in outcome.notices[0]
    assert outcome.layers[0].picture.pixels == picture(bench, "sd3", "red moss")


def test_text_that_a_model_cannot_read_is_told(bench: Bench) -> None:
    outcome = run(bench, "sd3", f"{LONG} red")
    (notice,) = outcome.notices
    assert notice.endswith("…")
    assert "Left out: " in notice


def test_text_that_just_fits_is_not_complained_about(bench: Bench) -> None:
    assert run(bench, "sd3", "a" * 30).notices == []
    (notice,) = run(bench, "sd3", "a" * 30 + " b").notices
    assert notice.endswith("Left out: b")


def test_a_task_without_prompts_still_has_both_in_its_recipe(bench: Bench) -> None:
    assert run(bench, "sd", "").layer.recipe["prompt"] == {"positive": "", "negative": ""}


def test_every_pipeline_of_a_model_takes_weights(bench: Bench) -> None:
    for model in CLIP_ALONE:
        for task in TASKS.values():
            plain, heavy = (bench.run(replace(task, prompt=prompt), model).layer for prompt in ("a b", "a (b:1.5)"))
            assert plain.picture.pixels != heavy.picture.pixels
