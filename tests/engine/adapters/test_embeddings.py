"""Textual inversions: words that a model knows for one job."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.errors import ErrorCode
from bridge.protocol.tasks import TextToImage
from tests.engine.adapters.outcomes import difference, same
from tests.engine.bench import Bench, Outcome

PLAIN = TextToImage(prompt="stone", width=64, height=64, seed=3, steps=2)


def embedding(file: Path, **tensors: torch.Tensor) -> AdapterSource:
    save_file(tensors, file)
    return AdapterSource("Moss", "embedding", str(file))


def vectors(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 32, generator=torch.Generator().manual_seed(seed)) * 0.1


def run(bench: Bench, prompt: str, *sources: AdapterSource, model: str = "sd") -> Outcome:
    return bench.run(dataclasses.replace(PLAIN, prompt=prompt), model, adapters=sources)


def rows_of_words(model: Path, text: str) -> torch.Tensor:
    """What the tiny text encoder knows of letters that end words."""
    table = load_file(model / "text_encoder" / "model.safetensors")
    weight = next(value for key, value in table.items() if key.endswith("token_embedding.weight"))
    letters = "abcdefghijklmnopqrstuvwxyz0123456789,.!-"
    return torch.stack([weight[len(letters) + letters.index(letter)] for letter in text])


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("key", ["emb_params", "<s1>"])
def test_it_means_what_its_vectors_mean(
    bench: Bench, models: dict[str, Path], tmp_path: Path, count: int, key: str
) -> None:
    """Given the vectors of words that the model knows, it paints exactly what those words paint."""
    known = rows_of_words(models["sd"], "xyz"[:count])
    source = embedding(tmp_path / "moss.safetensors", **{key: known})
    by_word = run(bench, "a <embedding:Moss> b", source)
    assert same(by_word, run(bench, f"a {' '.join('xyz'[:count])} b"))


def test_nothing_stays_behind(bench: Bench, tmp_path: Path) -> None:
    source = embedding(tmp_path / "moss.safetensors", emb_params=vectors(2) * 10)
    before = run(bench, "a b")
    during = run(bench, "a <embedding:Moss> b", source)
    assert difference(during, before) > 0
    assert same(run(bench, "a b"), before)
    assert same(run(bench, "a <embedding:Moss> b", source), during)
    tokenizer = bench.shelf.get(bench.source("sd"), lambda: None).base.tokenizer
    assert "<embedding:Moss>" not in tokenizer.added_tokens_encoder


def test_in_the_negative_prompt_it_works_as_well(bench: Bench, tmp_path: Path) -> None:
    source = embedding(tmp_path / "moss.safetensors", emb_params=vectors(2) * 10)
    task = dataclasses.replace(PLAIN, negative_prompt="<embedding:Moss>")
    assert not same(bench.run(task, adapters=(source,)), bench.run(PLAIN))


def test_xl_has_vectors_for_both_encoders(bench: Bench, tmp_path: Path) -> None:
    first, second = vectors(2, 1) * 10, vectors(2, 2) * 10
    source = embedding(tmp_path / "xl.safetensors", clip_l=first, clip_g=second)
    both = run(bench, "a <embedding:Moss>", source, model="sdxl")
    other = embedding(tmp_path / "other.safetensors", clip_l=first, clip_g=-second)
    assert not same(run(bench, "a <embedding:Moss>", other, model="sdxl"), both)
    assert not same(run(bench, "a", model="sdxl"), both)


def test_the_recipe_names_it(bench: Bench, tmp_path: Path) -> None:
    source = embedding(tmp_path / "moss.safetensors", emb_params=vectors(1))
    (entry,) = run(bench, "a <embedding:Moss>", source).layer.recipe["adapters"]
    assert (entry["id"], entry["type"]) == ("Moss", "embedding")
    assert entry["hash"].startswith("sha256:")


def test_one_of_another_family_names_both(bench: Bench, tmp_path: Path) -> None:
    source = embedding(tmp_path / "big.safetensors", emb_params=torch.zeros(1, 768))
    outcome = run(bench, "a <embedding:Moss>", source)
    assert outcome.error is ErrorCode.TASK_UNSUPPORTED
    assert "made for Stable Diffusion 1" in outcome.ended.error.message
    assert outcome.ended.error.field == "task.prompt"


def test_a_model_that_reads_otherwise_refuses_it(bench: Bench, tmp_path: Path) -> None:
    source = embedding(tmp_path / "moss.safetensors", emb_params=vectors(1))
    assert run(bench, "a <embedding:Moss>", source, model="sd3").error is ErrorCode.TASK_UNSUPPORTED
