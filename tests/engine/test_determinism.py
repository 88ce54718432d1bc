"""Same request, same seed, same device: the same bytes, whatever ran before."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.protocol.tasks import Generation, ImageToImage, Inpaint, Outpaint, TextToImage
from tests.engine.bench import Bench, mask_picture, pixels, random_picture

IMAGE = random_picture(80, 72)
TASKS: dict[str, Generation] = {
    "text-to-image": TextToImage(prompt="a", width=72, height=64, seed=5),
    "image-to-image": ImageToImage(prompt="a", image=IMAGE, strength=0.6, seed=5),
    "inpaint": Inpaint(prompt="a", image=IMAGE, mask=mask_picture(80, 72, (20, 20, 30, 30)), seed=5),
    "outpaint": Outpaint(prompt="a", image=IMAGE, right=24, seed=5),
    "ancestral": TextToImage(prompt="a", width=72, height=64, seed=5, scheduler="euler_a"),
}


def bytes_of(bench: Bench, task: Generation, model: str = "sd", **more: int) -> bytes:
    return bytes(bench.run(task, model, **more).layer.picture.pixels)


@pytest.mark.parametrize("name", TASKS)
def test_a_fresh_engine_and_one_that_did_other_things_give_the_same_bytes(
    bench: Bench, fresh_bench: Bench, name: str
) -> None:
    alone = bytes_of(fresh_bench, TASKS[name])
    for other in TASKS.values():
        bench.run(other)
    bench.run(TextToImage(prompt="b", width=64, height=64, seed=9, scheduler="dpmpp_2m"), "other")
    bench.run(TextToImage(prompt="b", width=64, height=64, seed=9, scheduler="lcm"))
    assert bytes_of(bench, TASKS[name]) == alone


@pytest.mark.parametrize("name", TASKS)
def test_previews_do_not_change_the_result(bench: Bench, name: str) -> None:
    assert bytes_of(bench, TASKS[name], preview_side=48) == bytes_of(bench, TASKS[name])


@pytest.mark.parametrize("model", ["sd", "sdxl", "sd3"])
def test_image_i_of_several_is_the_single_job_with_that_seed(bench: Bench, model: str) -> None:
    task = TextToImage(prompt="a", width=64, height=64, seed=20, images=3)
    several = [bytes(layer.picture.pixels) for layer in bench.run(task, model).layers]
    single = [bytes_of(bench, TextToImage(prompt="a", width=64, height=64, seed=20 + i), model) for i in range(3)]
    assert several == single
    assert len(set(several)) == 3


@pytest.mark.parametrize("model", ["sd", "sdxl", "sd3"])
@pytest.mark.parametrize("task", ["text-to-image", "image-to-image", "inpaint"])
def test_a_batch_equals_single_jobs_within_two_levels_and_says_so(bench: Bench, model: str, task: str) -> None:
    from dataclasses import replace

    one_by_one = bench.run(replace(TASKS[task], images=3), model).layers
    batched = bench.run(replace(TASKS[task], images=3, batch_size=2), model).layers
    for alone, together in zip(one_by_one, batched, strict=True):
        difference = pixels(alone.picture).astype(int) - pixels(together.picture).astype(int)
        assert np.abs(difference).max() <= 2
        assert alone.seed == together.seed
    assert [layer.recipe["batched"] for layer in batched] == [True, True, False]
    assert not any(layer.recipe["batched"] for layer in one_by_one)
    # The odd one out was made alone, so it is the same to the bit.
    assert bytes(batched[2].picture.pixels) == bytes(one_by_one[2].picture.pixels)


def test_another_seed_gives_another_picture(bench: Bench) -> None:
    first = TextToImage(prompt="a", width=64, height=64, seed=1)
    assert bytes_of(bench, first) != bytes_of(bench, TextToImage(prompt="a", width=64, height=64, seed=2))


def test_a_small_budget_changes_what_stays_in_memory_and_no_pixel(bench: Bench) -> None:
    tight = Bench(bench.models, budget=1)
    task = TASKS["text-to-image"]
    assert bytes_of(tight, task) == bytes_of(bench, task)
    bytes_of(tight, task, "other")
    assert not tight.shelf.holds(tight.source("sd"))
    assert tight.shelf.holds(tight.source("other"))
    assert bytes_of(tight, task) == bytes_of(bench, task)
