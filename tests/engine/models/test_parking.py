"""What has to leave the device rests in main memory as long as it fits there, and comes back without being loaded.

There is no accelerator here. The rules are tried with weights that only say how large they are; the moving with real
models and a stand-in device, whose memory claims to be its own but is main memory; and that it reaches every part, by
torch's device `meta`, from which nothing comes back.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from bridge.engine.device import Device, choose_device
from bridge.engine.models.loading import LoadedModel
from bridge.engine.models.parking import Parking
from bridge.engine.models.shelf import ModelShelf
from bridge.protocol.engine_link import AdapterSource
from bridge.protocol.tasks import Control, TextToImage
from tests.engine.adapters.outcomes import same
from tests.engine.bench import Bench, random_picture
from tests.tiny_adapters import build_controlnet

PLAIN = TextToImage(prompt="moss", width=64, height=64, seed=3, steps=2)
CPU = torch.device("cpu")
PLENTY = 10**9


@dataclasses.dataclass
class Weights:
    """Weights that only say how large they are and where they were put."""

    bytes: int
    places: list[torch.device] = dataclasses.field(default_factory=list)
    short: bool = False

    def move(self, place: torch.device) -> None:
        if self.short:
            raise MemoryError
        self.places.append(place)


class TestRules:
    """Of main memory as the second place."""

    def test_what_fits_is_moved_and_can_be_taken_once(self) -> None:
        parking = Parking[Weights](100, lambda: PLENTY)
        weights = Weights(60)
        assert parking.park("a", weights, 1.0)
        assert weights.places == [CPU]
        assert parking.bytes == 60
        assert parking.take("a") is weights
        assert parking.take("a") is None
        assert parking.bytes == 0

    def test_the_one_that_loads_fastest_for_its_size_goes_first_and_for_good(self) -> None:
        parking = Parking[Weights](100, lambda: PLENTY)
        for name, seconds in (("slow", 9.0), ("fast", 1.0)):
            parking.park(name, Weights(50), seconds)
        assert parking.park("new", Weights(50), 5.0)
        assert [name for name in ("slow", "fast", "new") if parking.holds(name)] == ["slow", "new"]

    def test_what_is_larger_than_the_budget_makes_nobody_go(self) -> None:
        parking = Parking[Weights](100, lambda: PLENTY)
        parking.park("small", Weights(50), 1.0)
        large = Weights(101)
        assert not parking.park("large", large, 99.0)
        assert large.places == []
        assert parking.holds("small")

    def test_what_other_programs_use_of_main_memory_counts(self) -> None:
        free = 30
        parking = Parking[Weights](100, lambda: free)
        assert not parking.park("a", Weights(50), 1.0)
        free = 50
        assert parking.park("a", Weights(50), 1.0)

    def test_one_for_which_memory_runs_out_on_the_way_is_let_go(self) -> None:
        parking = Parking[Weights](100, lambda: PLENTY)
        assert not parking.park("a", Weights(50, short=True), 1.0)
        assert parking.bytes == 0

    def test_clearing_tells_what_it_gave_back(self) -> None:
        parking = Parking[Weights](100, lambda: PLENTY)
        parking.park("a", Weights(50), 1.0)
        parking.park("b", Weights(40), 1.0)
        assert parking.clear() == 90
        assert parking.clear() == 0


class OwnMemory(Device):
    """Stands in for an accelerator: it says that its memory is its own, and computes on the CPU."""

    @property
    def has_own_memory(self) -> bool:
        return True


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which models were moved, in order."""
    seen: list[str] = []
    move = LoadedModel.move

    def noted(model: LoadedModel, place: torch.device) -> None:
        seen.append(model.source.id)
        move(model, place)

    monkeypatch.setattr(LoadedModel, "move", noted)
    return seen


@pytest.fixture
def parked_bench(models: dict[str, Path]) -> Bench:
    """An engine with room for one model on the device and for another in main memory."""
    bench = Bench(models)
    bench.device = OwnMemory("cpu", "stand-in")
    one = sum(file.stat().st_size for file in models["sd"].glob("*/*.safetensors"))
    bench.shelf = ModelShelf(bench.device, round(1.5 * one), parking=Parking(round(1.5 * one), lambda: PLENTY))
    return bench


def test_a_model_that_makes_room_comes_back_by_a_copy_and_paints_the_same_bytes(
    parked_bench: Bench, moves: list[str]
) -> None:
    first = parked_bench.run(PLAIN, "sd")
    sd, other = parked_bench.source("sd"), parked_bench.source("other")
    model = parked_bench.shelf.get(sd, lambda: None)
    parked_bench.run(PLAIN, "other")
    assert parked_bench.shelf.has_parked(sd)
    assert not parked_bench.shelf.holds(sd)
    again = parked_bench.run(PLAIN, "sd")
    assert same(again, first)
    assert parked_bench.shelf.get(sd, lambda: None) is model, "it was not loaded anew"
    assert parked_bench.shelf.has_parked(other), "they changed places"
    assert moves == ["sd", "other", "sd"]


def test_a_loan_parks_and_idling_forgets(parked_bench: Bench) -> None:
    parked_bench.run(PLAIN, "sd")
    held, source = parked_bench.shelf.bytes, parked_bench.source("sd")
    assert parked_bench.shelf.clear(park=True) == held > 0
    assert parked_bench.shelf.bytes == 0
    assert parked_bench.shelf.has_parked(source)
    assert parked_bench.shelf.clear() == held, "what rests in main memory goes as well"
    assert not parked_bench.shelf.has_parked(source)


def test_a_model_that_came_to_harm_is_not_kept_anywhere(parked_bench: Bench) -> None:
    parked_bench.run(PLAIN, "sd")
    parked_bench.shelf.clear(park=True)
    parked_bench.shelf.drop(parked_bench.source("sd"))
    assert not parked_bench.shelf.has_parked(parked_bench.source("sd"))


def test_a_device_in_main_memory_parks_nothing(fresh_bench: Bench) -> None:
    fresh_bench.run(PLAIN, "sd")
    fresh_bench.shelf.clear(park=True)
    assert not fresh_bench.shelf.has_parked(fresh_bench.source("sd"))


def test_a_model_for_which_the_device_has_no_room_any_more_is_loaded_again(
    parked_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = parked_bench.run(PLAIN, "sd")
    parked_bench.shelf.clear(park=True)
    move, failures = LoadedModel.move, [torch.OutOfMemoryError("injected")]

    def failing_once(model: LoadedModel, place: torch.device) -> None:
        if failures:
            raise failures.pop()
        move(model, place)

    monkeypatch.setattr(LoadedModel, "move", failing_once)
    again = parked_bench.run(PLAIN, "sd")
    assert same(again, first)
    assert any("Memory ran out while loading" in notice for notice in again.notices)


def test_moving_reaches_every_part_and_lets_the_guides_go(models: dict[str, Path], tmp_path: Path) -> None:
    bench = Bench(models)
    bench.run(PLAIN, "sd")
    model = bench.shelf.get(bench.source("sd"), lambda: None)
    alone = model.bytes
    net = AdapterSource("net", "controlnet", str(build_controlnet(models["sd"], tmp_path / "net")))
    task = dataclasses.replace(PLAIN, controls=(Control(image=random_picture(64, 64), adapter="net"),))
    assert bench.run(task, "sd", adapters=(net,)).layer
    assert model.bytes > alone
    model.move(torch.device("meta"))
    assert model.bytes == alone
    parts = [part for part in model.base.components.values() if isinstance(part, torch.nn.Module)]
    assert len(parts) == 3
    assert {tensor.device.type for part in parts for tensor in (*part.parameters(), *part.buffers())} == {"meta"}
    assert {pipe.device.type for pipe in model.pipelines} == {"meta"}


def test_only_a_device_with_memory_of_its_own_says_so() -> None:
    assert not choose_device("cpu").has_own_memory
    assert not Device("mps", "Apple GPU").has_own_memory
    assert Device("cuda", "GPU").has_own_memory
