"""Models stay as long as their bytes fit the budget."""

from pathlib import Path

import pytest

from bridge.engine.device import choose_device
from bridge.engine.models.shelf import ModelShelf
from tests.engine.bench import Bench


def load(shelf: ModelShelf, bench: Bench, *names: str) -> None:
    for name in names:
        shelf.get(bench.source(name), lambda: None)


def weights_of(bench: Bench, name: str) -> int:
    return sum(file.stat().st_size for file in Path(bench.models[name]).glob("*/*.safetensors"))


def test_the_bytes_on_the_shelf_are_those_of_the_weights(bench: Bench) -> None:
    shelf = ModelShelf(choose_device("cpu"))
    load(shelf, bench, "sd")
    # The files have headers beside the numbers, and the model some buffers that are not saved.
    assert shelf.bytes == pytest.approx(weights_of(bench, "sd"), rel=0.1)


def test_the_budget_holds_after_every_load(bench: Bench) -> None:
    shelf = ModelShelf(choose_device("cpu"))
    load(shelf, bench, "sd")
    one = shelf.bytes
    tight = ModelShelf(choose_device("cpu"), budget=round(2.5 * one))
    for name in ("sd", "other", "sd", "other"):
        load(tight, bench, name)
    assert tight.bytes == pytest.approx(2 * one, rel=0.01)
    load(tight, bench, "sd3")
    assert tight.holds(bench.source("sd3"))
    assert tight.bytes <= round(2.5 * one) or not tight.holds(bench.source("sd"))


def test_a_model_beyond_the_budget_is_loaded_alone(bench: Bench) -> None:
    shelf = ModelShelf(choose_device("cpu"), budget=1)
    load(shelf, bench, "sd", "other")
    assert shelf.holds(bench.source("other"))
    assert not shelf.holds(bench.source("sd"))


def test_clearing_tells_what_it_gave_back(bench: Bench) -> None:
    shelf = ModelShelf(choose_device("cpu"))
    load(shelf, bench, "sd")
    held = shelf.bytes
    assert shelf.clear() == held > 0
    assert shelf.bytes == 0
    assert shelf.clear() == 0


def test_a_model_that_grew_by_its_adapters_makes_others_go_and_stays(bench: Bench) -> None:
    shelf = ModelShelf(choose_device("cpu"))
    load(shelf, bench, "sd")
    one = shelf.bytes
    tight = ModelShelf(choose_device("cpu"), budget=round(2.5 * one))
    load(tight, bench, "other", "sd")
    tight.get(bench.source("sd"), lambda: None).bytes += one
    load(tight, bench, "sd")
    assert tight.holds(bench.source("sd"))
    assert not tight.holds(bench.source("other"))
