"""When memory runs out. The device here is a CPU and the shortage is made on purpose; the ladder is the real one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bridge.engine.device import Device, is_out_of_memory
from bridge.engine.faults import faults_from
from bridge.engine.ladder import MemoryLadder
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import TextToImage, Upscale
from tests.engine.bench import Bench, random_picture

TASK = TextToImage(prompt="a", width=64, height=64, seed=1)


def short_of_memory(stage: str, times: int) -> object:
    return faults_from(f"out_of_memory@{stage}*{times}")


@pytest.mark.parametrize("stage", ["encoding", "denoising", "step", "decoding"])
def test_the_first_rung_frees_caches_and_changes_no_pixel(bench: Bench, stage: str) -> None:
    outcome = bench.run(TASK, faults=short_of_memory(stage, 1))
    assert outcome.layer.recipe["savings"] == ["freed_caches"]
    assert len(outcome.notices) == 1
    assert bytes(outcome.layer.picture.pixels) == bytes(bench.run(TASK).layer.picture.pixels)


def test_the_second_rung_tiles_the_autoencoder_and_says_so(bench: Bench) -> None:
    outcome = bench.run(TASK, faults=short_of_memory("decoding", 2))
    assert outcome.layer.recipe["savings"] == ["freed_caches", "vae_tiling"]
    assert "tiles" in outcome.notices[1]


def test_savings_end_with_their_job(bench: Bench) -> None:
    before = bytes(bench.run(TASK).layer.picture.pixels)
    bench.run(TASK, faults=short_of_memory("decoding", 2))
    after = bench.run(TASK).layer
    assert after.recipe["savings"] == []
    assert bytes(after.picture.pixels) == before


def test_a_batch_is_split_before_anything_that_changes_pixels(bench: Bench) -> None:
    task = TextToImage(prompt="a", width=64, height=64, seed=1, images=2, batch_size=2)
    outcome = bench.run(task, faults=short_of_memory("denoising", 2))
    assert [layer.recipe["savings"] for layer in outcome.layers] == [["freed_caches", "one_by_one"]] * 2
    assert [layer.recipe["batched"] for layer in outcome.layers] == [False, False]
    assert [layer.seed for layer in outcome.layers] == [1, 2]


def test_in_the_end_it_is_a_named_error_with_numbers_and_the_engine_lives_on(bench: Bench) -> None:
    outcome = bench.run(TASK, faults=short_of_memory("decoding", 99))
    assert outcome.error is ErrorCode.OUT_OF_MEMORY
    assert "GiB" in outcome.ended.error.message
    assert outcome.ended.error.hint
    assert len(outcome.notices) == 2
    assert bench.run(TASK).layer


def test_images_that_were_made_before_the_shortage_stay_made(bench: Bench) -> None:
    calls = iter([False, True, True, True, True])

    def second_image_fails(point: str) -> None:
        if point == "decoding" and next(calls, True):
            raise torch.OutOfMemoryError("on purpose")

    outcome = bench.run(TextToImage(width=64, height=64, seed=1, images=2), faults=second_image_fails)
    assert outcome.error is ErrorCode.OUT_OF_MEMORY
    assert [m.index for m in outcome.messages if m.type == "produced"] == [0]


def test_running_out_while_loading_is_tried_again(fresh_bench: Bench) -> None:
    outcome = fresh_bench.run(TASK, faults=short_of_memory("loading", 1))
    assert outcome.layer
    assert len(outcome.notices) == 1


def test_running_out_twice_while_loading_is_a_named_error(fresh_bench: Bench) -> None:
    assert fresh_bench.run(TASK, faults=short_of_memory("loading", 2)).error is ErrorCode.OUT_OF_MEMORY
    assert fresh_bench.run(TASK).layer


def test_an_accelerator_has_one_more_rung(bench: Bench) -> None:
    # There is no accelerator where this runs; what is asked of the model is looked at instead.
    asked: list[Device] = []
    model = bench.shelf.get(bench.source("sd"), lambda: None)

    class Offloadable:
        source, offloaded = model.source, False

        def set_vae_savings(self, on: bool) -> bool:
            return model.set_vae_savings(on)

        def offload(self, device: Device) -> None:
            asked.append(device)

    ladder = MemoryLadder(_Accelerator(bench.device), bench.shelf, Offloadable())
    messages = [ladder.climb(1).message for _ in range(3)]
    ladder.restore()
    assert "main memory" in messages[2]
    assert ladder.savings == ["freed_caches", "vae_tiling", "model_offload"]
    assert len(asked) == 1
    with pytest.raises(BridgeError) as caught:
        ladder.climb(1)
    assert caught.value.code is ErrorCode.OUT_OF_MEMORY


class _Accelerator:
    """The CPU, called an accelerator."""

    is_accelerator = True
    name = "a GPU"

    def __init__(self, device: Device) -> None:
        self.memory_free = device.memory_free
        self.memory_total = device.memory_total


class _CalledAccelerator(Device):
    """The CPU again, with everything that an accelerator is asked for: parts are moved by the real hooks, to itself."""

    is_accelerator = True


def test_parts_of_a_real_model_that_rest_in_main_memory_give_the_same_picture(models: dict[str, Path]) -> None:
    bench = Bench(models)
    bench.device = _CalledAccelerator("cpu", "a GPU")
    tiled = bench.run(TASK, faults=short_of_memory("decoding", 2)).layer
    outcome = bench.run(TASK, faults=short_of_memory("decoding", 3))
    assert outcome.layer.recipe["savings"] == ["freed_caches", "vae_tiling", "model_offload"]
    assert bytes(outcome.layer.picture.pixels) == bytes(tiled.picture.pixels)
    again = bench.run(TASK)
    assert again.layer.recipe["savings"] == []
    assert not again.notices
    assert bench.run(TASK, faults=short_of_memory("decoding", 3)).error is ErrorCode.OUT_OF_MEMORY


def test_models_that_the_job_does_not_need_are_put_away_first(models: dict[str, Path]) -> None:
    bench = Bench(models)
    bench.run(TASK, "other")
    outcome = bench.run(TASK, faults=short_of_memory("denoising", 1))
    assert "other models were put away" in outcome.notices[0]
    assert not bench.shelf.holds(bench.source("other"))
    assert bench.shelf.holds(bench.source("sd"))


def test_models_in_memory_make_room_for_one_that_does_not_load(models: dict[str, Path]) -> None:
    bench = Bench(models)
    bench.run(TASK, "other")
    assert bench.run(TASK, faults=short_of_memory("loading", 1)).layer
    assert not bench.shelf.holds(bench.source("other"))


@pytest.mark.parametrize("stage", ["encoding", "step", "decoding"])
def test_what_is_painted_in_tiles_is_tried_again_too(bench: Bench, stage: str) -> None:
    task = Upscale(image=random_picture(50, 41), strength=0.7, steps=2, seed=1)
    outcome = bench.run(task, faults=short_of_memory(stage, 1))
    assert outcome.layer.recipe["savings"] == ["freed_caches"]
    assert bytes(outcome.layer.picture.pixels) == bytes(bench.run(task).layer.picture.pixels)


def test_a_second_pass_that_runs_out_is_tried_again_with_its_first(bench: Bench) -> None:
    task = TextToImage(width=150, height=100, seed=1, steps=2)
    calls = iter([False, True])

    def second_pass_fails(point: str) -> None:
        if point == "decoding" and next(calls, False):
            raise torch.OutOfMemoryError("on purpose")

    outcome = bench.run(task, faults=second_pass_fails)
    assert outcome.layer.recipe["savings"] == ["freed_caches"]
    assert bytes(outcome.layer.picture.pixels) == bytes(bench.run(task).layer.picture.pixels)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes"),
        RuntimeError("MPS backend out of memory"),
    ],
)
def test_every_way_of_saying_it_is_understood(error: Exception) -> None:
    assert is_out_of_memory(error)


def test_other_errors_are_not_taken_for_it() -> None:
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_a_real_shortage_of_the_cpu_is_understood() -> None:
    with pytest.raises((RuntimeError, MemoryError)) as caught:
        torch.empty(1 << 55, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
