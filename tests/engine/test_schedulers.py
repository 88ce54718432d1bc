"""Schedulers by alias or class name."""

from __future__ import annotations

import dataclasses

import numpy
import pytest
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler

from bridge.engine.schedulers import ALIASES, Schedulers, make_scheduler, scheduler_names
from bridge.protocol.errors import BridgeError, ErrorCode
from bridge.protocol.tasks import SCHEDULERS, TextToImage
from tests.engine.bench import Bench
from tests.tiny_families import build_tiny

OWN = DDIMScheduler(beta_schedule="scaled_linear", prediction_type="v_prediction")
FLOW = [name for name in ALIASES if name.startswith("flow")]
NOISE = [name for name in ALIASES if not name.startswith("flow")]


@pytest.mark.parametrize("name", NOISE)
def test_every_alias_paints(bench: Bench, name: str) -> None:
    layer = bench.run(TextToImage(prompt="a", width=64, height=64, seed=1, scheduler=name, steps=4)).layer
    assert layer.recipe["parameters"]["scheduler"] == name


@pytest.mark.parametrize("name", FLOW)
def test_every_flow_alias_paints_with_a_flow_model(bench: Bench, name: str) -> None:
    assert bench.run(TextToImage(prompt="a", width=64, height=64, seed=1, scheduler=name), "sd3").layer


def test_a_scheduler_keeps_what_the_model_was_trained_for() -> None:
    made = make_scheduler("dpmpp_2m_karras", OWN)
    assert type(made).__name__ == "DPMSolverMultistepScheduler"
    assert made.config.prediction_type == "v_prediction"
    assert made.config.beta_schedule == "scaled_linear"
    assert made.config.use_karras_sigmas is True


def test_a_class_name_means_the_same_as_its_alias() -> None:
    assert type(make_scheduler("EulerDiscreteScheduler", OWN)) is type(make_scheduler("euler", OWN))


def test_without_a_name_it_is_the_models_own_kind_but_never_its_own_object() -> None:
    made = make_scheduler("", OWN)
    assert type(made) is DDIMScheduler
    assert made is not OWN


@pytest.mark.parametrize("name", ["", *NOISE])
def test_what_a_job_does_to_its_scheduler_reaches_no_other_job(name: str) -> None:
    schedulers = Schedulers(OWN)
    first = schedulers.fresh(name)
    first.set_timesteps(7)
    untouched = make_scheduler(name, OWN)
    second = schedulers.fresh(name)
    assert second is not first
    assert second.num_inference_steps == untouched.num_inference_steps
    assert numpy.array_equal(second.timesteps, untouched.timesteps)  # PNDM has none yet


def test_a_number_of_steps_that_was_refused_is_refused_again() -> None:
    schedulers = Schedulers(OWN)
    schedulers.check_steps("lcm", 10)
    for _ in range(2):
        with pytest.raises(BridgeError, match="60 steps are not possible"):
            schedulers.check_steps("lcm", 60)


@pytest.mark.parametrize("name", ["nonsense", "UNet2DModel", "SchedulerMixin", "__name__"])
def test_an_unknown_name_is_refused(bench: Bench, name: str) -> None:
    outcome = bench.run(TextToImage(width=64, height=64, seed=1, scheduler=name))
    assert outcome.error is ErrorCode.INVALID_FIELD
    assert outcome.ended.error.field == "task.scheduler"


@pytest.mark.parametrize(("name", "own"), [("euler", FlowMatchEulerDiscreteScheduler()), ("flow_euler", OWN)])
def test_a_scheduler_of_the_other_kind_is_refused_with_those_that_fit(name: str, own: object) -> None:
    with pytest.raises(BridgeError, match="does not fit") as caught:
        make_scheduler(name, own)
    assert caught.value.code is ErrorCode.INVALID_FIELD
    assert "take one of" in caught.value.hint


@pytest.mark.parametrize(
    ("family", "name"),
    [("lcm", "euler"), ("lcm", "tcd"), ("flux", "flow_heun"), ("sana", "euler"), ("sana", "dpmpp_2m_karras")],
)
def test_a_scheduler_that_a_family_cannot_work_with_is_refused(
    tmp_path_factory: pytest.TempPathFactory, family: str, name: str
) -> None:
    """Because its pipelines choose the times of steps themselves, or what it predicts is nothing to that scheduler."""
    bench = Bench({family: build_tiny(family, tmp_path_factory.mktemp("refusing") / family)})
    task = TextToImage(prompt="a", width=64, height=64, seed=1, steps=3)
    assert bench.run(task, family).layer
    outcome = bench.run(dataclasses.replace(task, scheduler=name), family)
    assert outcome.error is ErrorCode.INVALID_FIELD
    assert outcome.ended.error.field == "task.scheduler"
    assert "Leave" in outcome.ended.error.hint


def test_a_family_with_one_kind_of_scheduler_takes_it_by_either_name(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    bench = Bench({"lcm": build_tiny("lcm", tmp_path_factory.mktemp("one kind") / "lcm")})
    for name in ("lcm", "LCMScheduler"):
        assert bench.run(TextToImage(prompt="a", width=64, height=64, seed=1, steps=3, scheduler=name), "lcm").layer


@pytest.mark.parametrize(("name", "steps"), [("", 1000), ("lcm", 60)])
def test_more_steps_than_a_scheduler_has_are_refused(bench: Bench, name: str, steps: int) -> None:
    outcome = bench.run(TextToImage(width=64, height=64, seed=1, scheduler=name, steps=steps))
    assert outcome.error is ErrorCode.INVALID_FIELD
    assert outcome.ended.error.field == "task.steps"


def test_every_alias_and_class_is_announced() -> None:
    assert {"euler", "dpmpp_2m_karras", "EulerDiscreteScheduler"} <= set(scheduler_names())


def test_the_protocol_promises_exactly_the_aliases_that_there_are() -> None:
    assert set(SCHEDULERS) == set(ALIASES)
